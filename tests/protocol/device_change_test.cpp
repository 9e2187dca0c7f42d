// Changes that say only what they change (PROTOCOL 4), and a device without a key.
#include "tests/support/party.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

std::optional<PeerId> change(Party& party, PeerChange what) {
    party.out.clear();
    return party.device.change_peer(std::move(what), party.clock.now(), party.out);
}

PeerChange about(const Party& other) {
    PeerChange what;
    what.public_key = other.name();
    return what;
}

PeerChange with_ips(const Party& other, std::initializer_list<std::string_view> prefixes) {
    PeerChange what = about(other);
    for (const auto text : prefixes) {
        const bool remove = text.starts_with('-');
        what.allowed_ips.push_back({prefix(text.substr(remove ? 1 : 0)), remove});
    }
    return what;
}

void set_private_key(Party& party, crypto::PrivateKey key) {
    party.out.clear();
    party.device.set_keys(std::move(key), party.clock.now(), party.out);
}

std::vector<std::string> ips_of(const Party& party, PeerId peer) {
    std::vector<std::string> texts;
    for (const Prefix& each : party.device.allowed_ips().of(peer)) texts.push_back(each.to_string());
    return texts;
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("a change of somebody unknown adds a peer, unless it is of the known only, or takes away") {
    VirtualClock clock;
    Party alice(1, clock);
    const Party bob(2, clock);
    PeerChange update = with_ips(bob, {"10.0.0.0/8"});
    update.update_only = true;
    CHECK_FALSE(change(alice, std::move(update)).has_value());
    PeerChange removal = about(bob);
    removal.remove = true;
    CHECK_FALSE(change(alice, std::move(removal)).has_value());
    CHECK(alice.device.peers().empty());
    CHECK(alice.out.actions.empty());

    const auto id = change(alice, with_ips(bob, {"10.0.0.0/8"}));
    REQUIRE(id.has_value());
    CHECK(count_of<AddPeer>(alice.out) == 1);
    CHECK(alice.out.routes_changed);
    CHECK(alice.device.peer(*id)->suite() == Suite::wireguard);
}

TEST_CASE("what a change does not say stays") {
    VirtualClock clock;
    Party alice(1, clock);
    const Party bob(2, clock);
    PeerChange all = with_ips(bob, {"10.0.0.0/8"});
    all.preshared_key.emplace().mutable_view().front() = std::byte{7};
    all.endpoint = endpoint("192.0.2.2:2");
    all.persistent_keepalive = 25s;
    const PeerId id = change(alice, std::move(all)).value();
    CHECK(change(alice, about(bob)) == id);
    CHECK_FALSE(alice.out.routes_changed);
    CHECK(alice.out.actions.empty());
    const Peer& peer = *alice.device.peer(id);
    CHECK(peer.identity().preshared_key.view().front() == std::byte{7});
    CHECK(alice.where(id) == endpoint("192.0.2.2:2"));
    CHECK(peer.persistent_keepalive() == 25s);
    CHECK(ips_of(alice, id) == Texts{"10.0.0.0/8"});
}

TEST_CASE("allowed IPs are added, taken away and replaced, in their order") {
    VirtualClock clock;
    Party alice(1, clock);
    const Party bob(2, clock);
    const Party carol(3, clock);
    const PeerId id = change(alice, with_ips(bob, {"10.1.0.0/16", "10.2.0.0/16"})).value();
    change(alice, with_ips(bob, {"10.3.0.0/16", "-10.2.0.0/16", "-10.9.0.0/16"}));
    CHECK(ips_of(alice, id) == Texts{"10.1.0.0/16", "10.3.0.0/16"});
    change(alice, with_ips(bob, {"-10.4.0.0/16", "10.4.0.0/16", "10.1.0.0/16", "-10.1.0.0/16"}));
    CHECK(ips_of(alice, id) == Texts{"10.3.0.0/16", "10.4.0.0/16"});
    const PeerId other = change(alice, with_ips(carol, {"-10.3.0.0/16", "10.4.0.0/16"})).value();
    CHECK(ips_of(alice, id) == Texts{"10.3.0.0/16"}); // one stays, since it is not Carol's to give up; the other moved
    CHECK(ips_of(alice, other) == Texts{"10.4.0.0/16"});
    PeerChange replacement = with_ips(bob, {"fd66::/64"});
    replacement.replace_allowed_ips = true;
    change(alice, std::move(replacement));
    CHECK(alice.out.routes_changed);
    CHECK(ips_of(alice, id) == Texts{"fd66::/64"});
}

TEST_CASE("a change keeps the session, and a removal ends it") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    PeerChange what = with_ips(couple.alice, {"10.0.0.0/8"});
    what.endpoint = endpoint("198.51.100.9:9");
    change(couple.bob, std::move(what));
    CHECK(couple.bob.can_send(couple.alice_id));
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.9:9"));
    PeerChange removal = about(couple.alice);
    removal.remove = true;
    CHECK_FALSE(change(couple.bob, std::move(removal)).has_value());
    CHECK(count_of<RemovePeer>(couple.bob.out) == 1);
    CHECK(couple.bob.device.peers().empty());
}

TEST_CASE("our own key in a change is ignored") {
    VirtualClock clock;
    Party alice(1, clock);
    CHECK_FALSE(change(alice, with_ips(alice, {"0.0.0.0/0"})).has_value());
    CHECK(alice.out.actions.empty());
    CHECK(alice.device.peers().empty());
}

TEST_CASE("the same private key again ends no session") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    set_private_key(couple.alice, couple.alice.key.clone());
    CHECK(couple.alice.can_send(couple.bob_id));
    CHECK(couple.alice.out.actions.empty());
}

TEST_CASE("without a private key nothing is said and nobody answered, and sessions end; a key begins anew") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    set_private_key(couple.bob, {});
    CHECK_FALSE(couple.bob.can_send(couple.alice_id));
    CHECK(couple.bob.device.private_key().is_zero());
    couple.bob.out.clear();
    couple.bob.device.set_endpoint(couple.alice_id, endpoint(Couple::at_alice), couple.clock.now(), couple.bob.out);
    couple.bob.want_handshake(couple.alice_id);
    CHECK(couple.bob.datagrams() == 0);
    PeerChange keepalive = about(couple.alice);
    keepalive.persistent_keepalive = 1s;
    change(couple.bob, std::move(keepalive));
    for (int second = 0; second < 10; ++second) {
        CHECK(couple.bob.datagrams() == 0);
        couple.clock.advance(1s);
        couple.bob.handle_time();
    }
    CHECK_FALSE(couple.bob.take(couple.initiation(), Couple::at_alice).has_value());
    CHECK(couple.bob.datagrams() == 0);

    set_private_key(couple.bob, couple.bob.key.clone());
    couple.bob.want_handshake(couple.alice_id);
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));
    REQUIRE(couple.bob.take(couple.alice.datagram(), Couple::at_alice));
    CHECK(couple.bob.can_send(couple.alice_id));
}

TEST_CASE("an initiation to the key that all zeros would make is answered by nobody") {
    VirtualClock clock;
    Party alice(1, clock);
    Party nobody(2, clock);
    nobody.meet(alice);
    set_private_key(nobody, {});
    const PeerId id = alice.meet(nobody, "192.0.2.2:2");
    alice.want_handshake(id);
    REQUIRE(alice.datagrams() == 1);
    const ByteVector initiation = alice.datagram();
    for (const QueueFill queue : {QueueFill{}, QueueFill{512, 512}}) {
        CHECK_FALSE(nobody.take(initiation, "192.0.2.1:1", queue).has_value());
        CHECK(nobody.datagrams() == 0);
    }
}
