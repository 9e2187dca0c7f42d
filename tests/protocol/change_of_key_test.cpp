// HYBRID.md 4, a responder with two static keys, as whole nodes live through it: data path and conversation.
#include "tests/support/tunnel.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

/// A tunnel whose server changes its key, and somebody who is handed the new one.
struct Change {
    Tunnel tunnel;
    crypto::PrivateKey old_key = Node::key_from(Tunnel::server_seed);
    crypto::PrivateKey new_key = Node::key_from(303);
    Node newcomer{404, tunnel.wire.clock};
    const Endpoint elsewhere = endpoint("203.0.113.9:5000");
    const IpAddress newcomer_ip = ip("10.66.0.3");
    PeerId newcomer_id{};
    PeerId server_for_newcomer{};

    Change() {
        tunnel.wire.plug(newcomer, elsewhere);
        newcomer_id = tunnel.server->meet({.public_key = newcomer.name(), .allowed_ips = {"10.66.0.3/32"}});
        server_for_newcomer =
            newcomer.meet({.public_key = crypto::public_key_of(new_key), .allowed_ips = {"0.0.0.0/0"}, .endpoint = tunnel.site});
    }
    void set(OwnKeys keys) {
        tunnel.server->configure([&](Device& device, Now now, Outbox& out) { device.set_keys(std::move(keys), now, out); });
    }
    void both_answer() { set(OwnKeys(new_key.clone(), old_key.clone())); }
    void old_ends() { set(new_key.clone()); }
    /// A letter from each, every second for so long; how many of all came through.
    std::size_t letters_in(std::chrono::seconds time, bool of_client, bool of_newcomer) {
        std::size_t arrived = 0;
        for (std::chrono::seconds passed{0}; passed < time; passed += 1s) {
            if (of_client) tunnel.client_sends(1);
            if (of_newcomer) newcomer.send(letter(newcomer_ip, tunnel.server_ip, 1));
            tunnel.wire.run_for(1s);
            arrived += tunnel.server->take_delivered().size();
        }
        return arrived;
    }
};

} // namespace

TEST_CASE("through a change of key and many renewals, old and new peers lose no letter") {
    Change change;
    REQUIRE(change.tunnel.connect());
    change.both_answer();
    CHECK(change.letters_in(400s, true, true) == 800);
    CHECK(change.tunnel.server->peer(change.tunnel.client_id).own_key() == crypto::public_key_of(change.old_key));
    CHECK(change.tunnel.server->peer(change.newcomer_id).own_key() == crypto::public_key_of(change.new_key));
    CHECK(change.tunnel.server->drops(Drop::bad_mac1) == 0);
}

TEST_CASE("a server that only sends renews its keys with each peer by the key that the peer has") {
    Change change;
    REQUIRE(change.tunnel.connect());
    change.both_answer();
    REQUIRE(change.letters_in(1s, true, true) == 2);
    change.tunnel.wire.run_for(10s);
    change.tunnel.server->configure([&](Device& device, Now now, Outbox& out) {
        device.want_handshake(change.tunnel.client_id, now, out); // who began the last one renews it
        device.want_handshake(change.newcomer_id, now, out);
    });
    change.tunnel.wire.run_for(1s);
    std::size_t sent = 0;
    std::size_t to_newcomer = 0;
    for (int second = 0; second < 300; ++second) {
        change.tunnel.server_sends(7);
        change.tunnel.server->send(letter(change.tunnel.server_ip, change.newcomer_ip, 7));
        change.tunnel.wire.run_for(1s);
        sent += change.tunnel.client_received().size();
        to_newcomer += change.newcomer.take_delivered().size();
    }
    CHECK(sent == 300);
    CHECK(to_newcomer == 300);
    CHECK(change.tunnel.server->events(EventKind::initiation_sent) >= 6); // of each peer three
    CHECK(change.tunnel.client->drops(Drop::bad_mac1) == 0);
    CHECK(change.newcomer.drops(Drop::bad_mac1) == 0);
    CHECK(change.tunnel.client->drops(Drop::unknown_peer) == 0);
    CHECK(change.newcomer.drops(Drop::unknown_peer) == 0);
}

TEST_CASE("when the old key ends, who has it is cut off and counted, and who has the new one goes on") {
    Change change;
    REQUIRE(change.tunnel.connect());
    change.both_answer();
    REQUIRE(change.letters_in(1s, true, true) == 2);
    change.old_ends();
    CHECK(change.letters_in(30s, true, true) == 30);
    CHECK(change.tunnel.server->drops(Drop::bad_mac1) > 0);
    CHECK_FALSE(change.tunnel.server->has_session(change.tunnel.client_id));
    CHECK(change.tunnel.server->has_session(change.newcomer_id));
}

TEST_CASE("before the change nobody is let in by the new key") {
    Change change;
    CHECK(change.letters_in(10s, false, true) == 0);
    CHECK(change.tunnel.server->drops(Drop::bad_mac1) > 0);
    change.both_answer();
    CHECK(change.letters_in(10s, false, true) >= 9); // those that waited, too
}

TEST_CASE(
    "under load both keys' peers come in by a cookie, and a flood with a wrong mac1 is dropped before anybody looks at it") {
    Change change;
    change.both_answer();
    change.tunnel.server->set_queue({512, 4096});
    std::uint64_t asked = 0;
    change.tunnel.wire.on_sent([&](const Seen& seen) { asked += seen.bytes.size() == 64 && seen.from == change.tunnel.site; });
    change.tunnel.client_sends(1);
    change.newcomer.send(letter(change.newcomer_ip, change.tunnel.server_ip, 1));
    ByteVector forged(initiation_size(suite_under_test()));
    forged[0] = suite_under_test() == Suite::hybrid ? std::byte{5} : std::byte{1};
    for (int i = 0; i < 1000; ++i) change.tunnel.wire.inject(forged, endpoint("203.0.113.66:6"), change.tunnel.site);
    change.tunnel.wire.run_for(8s);
    CHECK(change.tunnel.server->take_delivered().size() == 2);
    CHECK(change.tunnel.server->drops(Drop::bad_mac1) == 1000);
    CHECK(asked >= 2);
    CHECK(change.tunnel.server->has_session(change.tunnel.client_id));
    CHECK(change.tunnel.server->has_session(change.newcomer_id));
}
