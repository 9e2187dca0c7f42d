// What a change of configuration does to a conversation that is under way (PROTOCOL 3, last rows; PROTOCOL 4).
#include "tests/support/party.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

PeerConfig with_ips(PeerConfig config, std::initializer_list<std::string_view> prefixes) {
    for (const auto text : prefixes) config.allowed_ips.push_back(prefix(text));
    return config;
}

PeerId owner_of(const Device& device, std::string_view address) {
    return RouteTable<PeerId>(device.allowed_ips(), [](PeerId id) { return id; }).find(ip(address));
}

} // namespace

TEST_CASE("a new peer is added to the data path, and its routes with it") {
    VirtualClock clock;
    Party alice(1, clock);
    const Party bob(2, clock);
    const auto id = alice.set(with_ips(Party::config_of(bob.name(), "192.0.2.2:2"), {"10.0.0.0/24", "fd66::2/128"}));
    REQUIRE(id.has_value());
    const auto added = actions_of<AddPeer>(alice.out);
    REQUIRE(added.size() == 1);
    CHECK(added[0].peer == *id);
    CHECK(added[0].activity == alice.device.peer(*id)->activity());
    CHECK(alice.out.routes_changed);
    CHECK(owner_of(alice.device, "10.0.0.7") == *id);
    CHECK(owner_of(alice.device, "fd66::2") == *id);
    const auto paths = actions_of<SetPath>(alice.out);
    REQUIRE(paths.size() == 1);
    CHECK(paths[0].path == path("192.0.2.2:2"));
    CHECK(alice.device.find(bob.name()) == id);
    CHECK(alice.datagrams() == 0); // nobody wants to talk yet
    CHECK_FALSE(alice.device.next_deadline().has_value());
}

TEST_CASE("our own key as a peer is ignored") {
    VirtualClock clock;
    Party alice(1, clock);
    CHECK_FALSE(alice.set(with_ips(Party::config_of(alice.name(), "192.0.2.2:2"), {"0.0.0.0/0"})).has_value());
    CHECK(alice.out.actions.empty());
    CHECK(alice.device.peers().empty());
    CHECK(owner_of(alice.device, "10.0.0.1") == PeerId{});
}

TEST_CASE("setting a peer again keeps its session, its identity and the endpoint that it was learned to have") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    couple.bob.move(couple.alice_id, "198.51.100.7:7", couple.clock.boot(), 1);
    const SessionPtr session = couple.bob.device.peer(couple.alice_id)->keyring().current();
    CHECK(couple.bob.meet(couple.alice) == couple.alice_id);
    CHECK(couple.bob.device.peer(couple.alice_id)->keyring().current() == session);
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.7:7"));
    CHECK(count_of<AddPeer>(couple.bob.out) == 0);
    CHECK(count_of<RetireSession>(couple.bob.out) == 0);
    CHECK(couple.bob.datagrams() == 0);
}

TEST_CASE("setting a peer again makes its allowed IPs exactly what is said") {
    VirtualClock clock;
    Party alice(1, clock);
    const Party bob(2, clock);
    const auto id = alice.set(with_ips(Party::config_of(bob.name()), {"10.0.0.0/24", "10.0.1.0/24"}));
    (void)alice.set(with_ips(Party::config_of(bob.name()), {"10.0.1.0/24", "10.0.2.0/24"}));
    CHECK(owner_of(alice.device, "10.0.0.1") == PeerId{});
    CHECK(owner_of(alice.device, "10.0.1.1") == *id);
    CHECK(owner_of(alice.device, "10.0.2.1") == *id);
    CHECK(alice.out.routes_changed);
}

TEST_CASE("an allowed IP given to a second peer moves there") {
    VirtualClock clock;
    Party alice(1, clock);
    const Party bob(2, clock);
    const Party carol(3, clock);
    const auto bob_id = alice.set(with_ips(Party::config_of(bob.name()), {"10.0.0.0/24"}));
    const auto carol_id = alice.set(with_ips(Party::config_of(carol.name()), {"10.0.0.0/24"}));
    CHECK(owner_of(alice.device, "10.0.0.1") == *carol_id);
    CHECK(alice.device.allowed_ips().of(*bob_id).empty());
}

TEST_CASE("identities are never used twice") {
    VirtualClock clock;
    Party alice(1, clock);
    const Party bob(2, clock);
    const PeerId first = alice.meet(bob);
    alice.device.remove_peer(first, clock.now(), alice.out);
    CHECK(alice.meet(bob) != first);
}

TEST_CASE("a removed peer ends in the data path, with its sessions and routes, and is not answered any more") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    Device& bob = couple.bob.device;
    couple.bob.out.clear();
    bob.remove_peer(couple.alice_id, couple.clock.now(), couple.bob.out);
    CHECK(count_of<RetireSession>(couple.bob.out) == 1);
    CHECK(count_of<RemovePeer>(couple.bob.out) == 1);
    CHECK(couple.bob.out.routes_changed);
    CHECK(bob.peer(couple.alice_id) == nullptr);
    CHECK_FALSE(bob.find(couple.alice.name()).has_value());
    CHECK_FALSE(bob.next_deadline().has_value());
    couple.clock.advance(6s);
    const auto dropped = couple.bob.take(couple.initiation(), Couple::at_alice);
    REQUIRE_FALSE(dropped.has_value());
    CHECK(dropped.error() == Drop::unknown_peer);
    CHECK(couple.bob.out.actions.empty());
}

TEST_CASE("what concerns a removed peer is ignored") {
    Couple couple;
    const ByteVector initiation = couple.initiation();
    REQUIRE(couple.bob.take(initiation, Couple::at_alice));
    const ByteVector response = couple.bob.datagram();
    couple.alice.device.remove_peer(couple.bob_id, couple.clock.now(), couple.alice.out);
    const auto dropped = couple.alice.take(response, Couple::at_bob);
    REQUIRE_FALSE(dropped.has_value());
    CHECK(dropped.error() == Drop::unknown_session);
    couple.alice.tell(couple.bob_id, Notice::wants_handshake);
    couple.alice.move(couple.bob_id, "198.51.100.7:7", couple.clock.boot(), 1);
    couple.alice.want_handshake(couple.bob_id);
    couple.alice.device.remove_peer(couple.bob_id, couple.clock.now(), couple.alice.out);
    couple.alice.device.forget_received_timestamp(couple.bob_id);
    CHECK(couple.alice.out.actions.empty());
}

TEST_CASE("a preshared key that changes takes effect in the handshake that is under way") {
    const auto config_with = [](const Party& other, std::string_view where, const crypto::PresharedKey& key) {
        PeerConfig config = Party::config_of(other.name(), where);
        config.preshared_key = key.clone();
        return config;
    };
    SeededRandom random(9);
    const auto old_key = crypto::generate_preshared_key(random);
    const auto new_key = crypto::generate_preshared_key(random);
    Couple couple;
    (void)couple.alice.set(config_with(couple.bob, Couple::at_bob, old_key));
    (void)couple.bob.set(config_with(couple.alice, "", new_key));
    const ByteVector initiation = couple.initiation();
    REQUIRE(couple.bob.take(initiation, Couple::at_alice));
    const ByteVector response = couple.bob.datagram();

    const auto rejected = couple.alice.take(response, Couple::at_bob);
    REQUIRE_FALSE(rejected.has_value());
    CHECK(rejected.error() == Drop::bad_tag);
    CHECK(happened(couple.alice.out, EventKind::response_rejected));

    (void)couple.alice.set(config_with(couple.bob, Couple::at_bob, new_key));
    CHECK(couple.alice.take(response, Couple::at_bob).has_value()); // the same response, now understood
}

TEST_CASE("a new private key ends sessions and handshakes under the old one, and the next handshake is under the new") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    couple.clock.advance(6s);
    const ByteVector old_initiation = couple.initiation();
    const SessionPtr old = couple.alice.device.peer(couple.bob_id)->keyring().current();

    SeededRandom random(77);
    couple.alice.out.clear();
    couple.alice.device.set_keys(crypto::generate_private_key(random), couple.clock.now(), couple.alice.out);
    CHECK_FALSE(couple.alice.can_send(couple.bob_id));
    const auto used = actions_of<UseSession>(couple.alice.out);
    REQUIRE(used.size() == 1);
    CHECK(used[0].session == nullptr);
    const auto retired = actions_of<RetireSession>(couple.alice.out);
    REQUIRE(retired.size() == 1);
    CHECK(retired[0].session == old);

    // The answer to the old initiation finds nobody.
    REQUIRE(couple.bob.take(old_initiation, Couple::at_alice));
    const auto dropped = couple.alice.take(couple.bob.datagram(), Couple::at_bob);
    REQUIRE_FALSE(dropped.has_value());
    CHECK(dropped.error() == Drop::unknown_session);

    couple.clock.advance(6s);
    const ByteVector initiation = couple.initiation();
    const auto stranger = couple.bob.take(initiation, Couple::at_alice);
    REQUIRE_FALSE(stranger.has_value());
    CHECK(stranger.error() == Drop::unknown_peer);
    const PeerId again = couple.bob.meet(couple.alice);
    REQUIRE(couple.bob.take(initiation, Couple::at_alice));
    CHECK(couple.alice.take(couple.bob.datagram(), Couple::at_bob).has_value());
    CHECK(again != couple.alice_id);
}

TEST_CASE("the door's keys follow the private key") {
    Couple couple;
    const ByteVector before = couple.initiation();
    const MacFields<const std::byte> macs{before};
    CHECK(couple.bob.device.mac_keys().mac1_is_valid(macs));
    SeededRandom random(78);
    couple.bob.device.set_keys(crypto::generate_private_key(random), couple.clock.now(), couple.bob.out);
    CHECK_FALSE(couple.bob.device.mac_keys().mac1_is_valid(macs));
}

TEST_CASE("a private key whose public key is a peer's removes that peer") {
    Couple couple;
    couple.alice.out.clear();
    couple.alice.device.set_keys(couple.bob.key.clone(), couple.clock.now(), couple.alice.out);
    CHECK(couple.alice.device.peers().empty());
    CHECK(count_of<RemovePeer>(couple.alice.out) == 1);
}

TEST_CASE("a persistent keepalive that is switched on begins at once: a handshake, or a keepalive if there is a session") {
    Couple couple;
    PeerConfig config = Party::config_of(couple.bob.name(), Couple::at_bob);
    config.persistent_keepalive = 25s;
    (void)couple.alice.set(std::move(config));
    CHECK(couple.alice.datagrams() == 1);
    REQUIRE(couple.bob.take(couple.alice.datagram(), Couple::at_alice));
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));

    config = Party::config_of(couple.bob.name(), Couple::at_bob);
    config.persistent_keepalive = 25s;
    (void)couple.alice.set(std::move(config)); // as before: nothing new
    CHECK(couple.alice.out.actions.empty());

    config = Party::config_of(couple.bob.name(), Couple::at_bob);
    config.persistent_keepalive = 20s;
    (void)couple.alice.set(std::move(config));
    CHECK(count_of<SendKeepalive>(couple.alice.out) == 1);
}

TEST_CASE("a configured endpoint is used from then on, until the peer is heard from elsewhere") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    const Boot born = couple.alice.device.peer(couple.bob_id)->keyring().current()->born();
    couple.clock.advance(1s);
    couple.alice.out.clear();
    couple.alice.device.set_endpoint(couple.bob_id, endpoint("203.0.113.1:1"), couple.clock.now(), couple.alice.out);
    const auto paths = actions_of<SetPath>(couple.alice.out);
    REQUIRE(paths.size() == 1);
    CHECK(paths[0].path == path("203.0.113.1:1"));
    couple.alice.move(couple.bob_id, Couple::at_bob, born, 3);
    CHECK(couple.alice.where(couple.bob_id) == endpoint(Couple::at_bob));
}

TEST_CASE("when our own addresses change the kernel chooses the source again, and the peer is still heard wherever it goes") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    const Boot born = couple.bob.device.peer(couple.alice_id)->keyring().current()->born();
    Path with_source = path(Couple::at_alice);
    with_source.local = {ip("192.0.2.200"), 3};
    couple.bob.device.handle_move(couple.alice_id, with_source, born, 1, couple.clock.now(), couple.bob.out);
    CHECK(couple.bob.device.peer(couple.alice_id)->path() == with_source);

    couple.clock.advance(1s);
    couple.bob.out.clear();
    couple.bob.device.forget_local_sources(couple.clock.now(), couple.bob.out);
    CHECK(couple.bob.device.peer(couple.alice_id)->path() == path(Couple::at_alice));
    CHECK(count_of<SetPath>(couple.bob.out) == 1);
    couple.bob.move(couple.alice_id, "198.51.100.7:7", born, 2);
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.7:7"));
}

TEST_CASE("a peer of low order is accepted and never spoken to") {
    VirtualClock clock;
    Party alice(1, clock);
    for (const std::string_view point : low_order_points) {
        const auto id = alice.set(Party::config_of(public_key(point), "192.0.2.2:2"));
        REQUIRE(id.has_value());
        alice.want_handshake(*id);
        CHECK(alice.out.actions.empty());
        CHECK_FALSE(alice.device.next_deadline().has_value());
    }
}
