// Restarts, sleep, clocks that jump (THREATS, second table): the tunnel comes back by itself, and nothing that was recorded
// before is good afterwards.
#include "tests/support/tunnel.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

std::vector<Timestamps> kept_by(const Node& node) { return node.device().timestamps(); }

/// Sends a letter a second until one arrives. Gives how long that took, or `limit`.
Duration until_it_works(Tunnel& tunnel, Duration limit) {
    const Boot began = tunnel.wire.clock.boot();
    for (std::uint64_t number = 1000; tunnel.wire.clock.boot() - began < limit; ++number) {
        tunnel.client_sends(number);
        tunnel.wire.run_for(1s);
        if (!tunnel.server_received().empty()) return tunnel.wire.clock.boot() - began;
    }
    return limit;
}

} // namespace

TEST_CASE("after a restart of the server a client that sends is back within 21 seconds") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(30s);
    const auto kept = kept_by(*tunnel.server);
    tunnel.restart_server(kept);
    CHECK(until_it_works(tunnel, 60s) <= 21s);
}

TEST_CASE("after a restart of the client it is back at once") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(30s);
    tunnel.restart_client(kept_by(*tunnel.client));
    CHECK(tunnel.connect());
}

TEST_CASE("a client that restarts with its clock set back is not locked out, if it kept its timestamps") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(30s);
    const auto kept = kept_by(*tunnel.client);
    tunnel.restart_client(kept);
    tunnel.client->shift_wall(-24h * 400);
    CHECK(tunnel.connect());
}

TEST_CASE("without them it is, and the server says why; told to forget, it lets it in") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(30s);
    tunnel.restart_client();
    tunnel.client->shift_wall(-24h * 400);
    CHECK_FALSE(tunnel.connect());
    CHECK(tunnel.server->drops(Drop::old_timestamp) >= 1);
    CHECK(tunnel.server->events(EventKind::clock_behind) >= 1);
    tunnel.server->configure([&](Device& device, Now, Outbox&) { device.forget_received_timestamp(tunnel.client_id); });
    CHECK(until_it_works(tunnel, 60s) <= 6s);
}

TEST_CASE("a clock that goes backwards while the tunnel runs is not noticed by it, on either side") {
    for (const bool clients : {true, false}) {
        Tunnel tunnel;
        REQUIRE(tunnel.connect());
        std::size_t arrived = 0;
        for (std::uint64_t second = 0; second < 3600; ++second) {
            if (second % 300 == 200) (clients ? *tunnel.client : *tunnel.server).shift_wall(-24h);
            tunnel.client_sends(second);
            tunnel.wire.run_for(1s);
            arrived += tunnel.server_received().size();
        }
        CHECK(arrived == 3600);
    }
}

TEST_CASE("what was recorded before both restarted does nothing afterwards, if timestamps were kept") {
    Tunnel tunnel;
    std::vector<Seen> recorded;
    tunnel.wire.on_sent([&](const Seen& seen) { recorded.push_back(seen); });
    REQUIRE(tunnel.connect());
    tunnel.client_sends(1);
    tunnel.server_sends(2);
    tunnel.wire.run_for(1s);
    tunnel.wire.on_sent({});
    tunnel.restart_server(kept_by(*tunnel.server));
    tunnel.restart_client(kept_by(*tunnel.client));

    bool answered = false;
    tunnel.wire.on_sent([&](const Seen&) { answered = true; });
    for (const Seen& each : recorded) tunnel.wire.inject(each.bytes, each.from, each.to);
    tunnel.wire.run_for(10s);
    CHECK_FALSE(answered);
    CHECK_FALSE(tunnel.server->where(tunnel.client_id).has_value());
    CHECK_FALSE(tunnel.server->has_session(tunnel.client_id));
    CHECK(tunnel.server_received().empty());
    CHECK(tunnel.connect());
}

TEST_CASE("after a sleep of hours the old keys are not used, and the next packet brings a new session") {
    for (const Duration asleep : {Duration(170s), Duration(181s), Duration(600s), Duration(9h)}) {
        CAPTURE(asleep / 1s);
        Tunnel tunnel;
        REQUIRE(tunnel.connect());
        const SessionPtr old = tunnel.client->peer(tunnel.server_id).keyring().current();
        tunnel.wire.sleep_for(asleep);
        const auto outgoing = tunnel.client_sends(7);
        CHECK(std::holds_alternative<tun::Staged>(outgoing) == (asleep > 180s));
        tunnel.wire.run_for(1s);
        CHECK(tunnel.server_received() == std::vector<std::uint64_t>{7});
        CHECK(tunnel.client->peer(tunnel.server_id).keyring().current() != old);
    }
}

TEST_CASE("sleep in the middle of a handshake, or with packets staged, ends well") {
    Tunnel tunnel;
    tunnel.wire.unplug(*tunnel.server);
    tunnel.client_sends(1);
    tunnel.wire.run_for(3s);
    tunnel.wire.sleep_for(30s);
    tunnel.wire.plug(*tunnel.server, tunnel.site);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{1});

    tunnel.wire.run_for(600s);
    tunnel.wire.unplug(*tunnel.server);
    tunnel.client_sends(2);
    tunnel.wire.run_for(3s);
    tunnel.wire.sleep_for(8h); // by then it has given up
    tunnel.wire.plug(*tunnel.server, tunnel.site);
    tunnel.wire.run_for(10s);
    CHECK(tunnel.server_received().empty());
    CHECK(tunnel.connect());
}

TEST_CASE("only one side sleeps: it is back soon after it wakes and speaks") {
    for (const bool client_sleeps : {true, false}) {
        Tunnel tunnel;
        REQUIRE(tunnel.connect());
        tunnel.client_sends(1);
        Node& sleeper = client_sleeps ? *tunnel.client : *tunnel.server;
        tunnel.wire.unplug(sleeper);
        for (int i = 0; i < 3600; ++i) { // meanwhile the other one talks on
            client_sleeps ? tunnel.server_sends(5) : tunnel.client_sends(5);
            tunnel.wire.run_for(1s);
        }
        tunnel.wire.plug(sleeper, client_sleeps ? tunnel.home : tunnel.site);
        CHECK(until_it_works(tunnel, 60s) <= 6s);
    }
}

TEST_CASE("a preshared key that only one side has: no session, and the reason is told") {
    Tunnel tunnel;
    SeededRandom random(3);
    const auto key = crypto::generate_preshared_key(random);
    tunnel.client->meet({.public_key = tunnel.server->name(), .allowed_ips = {"0.0.0.0/0", "::/0"}, .preshared_key = &key});
    tunnel.client_sends(1);
    tunnel.wire.run_for(20s);
    CHECK_FALSE(tunnel.client->has_session(tunnel.server_id));
    CHECK(tunnel.client->events(EventKind::response_rejected) >= 3);
    CHECK(tunnel.client->peer(tunnel.server_id).attempt().rejected_responses >= 3);
    CHECK(tunnel.server_received().empty());

    // It is changed while attempts go on: the next one succeeds, and what is staged arrives.
    tunnel.server->meet(
        {.public_key = tunnel.client->name(), .allowed_ips = {"10.66.0.2/32", "fd66::2/128"}, .preshared_key = &key});
    tunnel.wire.run_for(6s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{1});
}

TEST_CASE("a new private key on the server: old packets die, and the client is back once it knows the key") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    SeededRandom random(4);
    tunnel.server->configure(
        [&](Device& device, Now now, Outbox& out) { device.set_keys(crypto::generate_private_key(random), now, out); });
    tunnel.client_sends(1);
    tunnel.wire.run_for(60s);
    CHECK(tunnel.server_received().empty());
    CHECK(tunnel.server->drops(Drop::unknown_session) >= 1);
    CHECK(tunnel.server->drops(Drop::bad_mac1) >= 1); // its initiations are for a key that is gone
    tunnel.server_id =
        tunnel.client->meet({.public_key = tunnel.server->name(), .allowed_ips = {"0.0.0.0/0", "::/0"}, .endpoint = tunnel.site});
    CHECK(tunnel.connect());
}

TEST_CASE("under load the tunnel comes up all the same: first a cookie, then the handshake") {
    Tunnel tunnel;
    std::vector<unsigned> kinds;
    tunnel.wire.on_sent([&](const Seen& seen) { kinds.push_back(kind_of(seen.bytes)); });
    tunnel.server->set_queue({4096, 4096});
    tunnel.client_sends(1);
    tunnel.wire.run_for(7s);
    CHECK(kinds == std::vector<unsigned>{1, 3, 1, 2, 4});
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{1});
    CHECK(tunnel.client->events(EventKind::cookie_received) == 1);
}

TEST_CASE("with both sides under load it takes two cookies") {
    Tunnel tunnel;
    tunnel.server->set_queue({4096, 4096});
    tunnel.client->set_queue({4096, 4096});
    tunnel.client_sends(1);
    tunnel.wire.run_for(13s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{1});
    CHECK(tunnel.server->events(EventKind::cookie_received) == 1);
}

TEST_CASE("a suite that only one side has: no session, both sides know why, and it works once one of them is changed") {
    Tunnel tunnel;
    const Suite other = other_than(suite_under_test());
    tunnel.client->meet({.public_key = tunnel.server->name(),
                         .allowed_ips = {"0.0.0.0/0", "::/0"},
                         .suite = other,
                         .asks_other_suite_after = 6s});
    bool data = false;
    tunnel.wire.on_sent([&](const Seen& seen) { data = data || kind_of(seen.bytes) == 4; });
    tunnel.client_sends(1);
    tunnel.wire.run_for(14s); // a connect waits for 15
    CHECK(tunnel.client->events(EventKind::wrong_suite) == 1);
    CHECK(tunnel.client->peer(tunnel.server_id).attempt().wrong_suites == 1);
    CHECK(tunnel.server->events(EventKind::wrong_suite) == 1);
    CHECK(tunnel.server->drops(Drop::wrong_suite) == 3);
    CHECK(tunnel.server->drops(tunnel.client_id, Drop::wrong_suite) == 3);
    CHECK_FALSE(tunnel.client->has_session(tunnel.server_id));
    CHECK_FALSE(tunnel.server->has_session(tunnel.client_id));

    tunnel.wire.run_for(30s);
    CHECK_FALSE(data);
    CHECK(tunnel.server->events(EventKind::wrong_suite) >= 4);
    tunnel.server->meet({.public_key = tunnel.client->name(), .allowed_ips = {"10.66.0.2/32", "fd66::2/128"}, .suite = other});
    tunnel.wire.run_for(6s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{1});
    CHECK(tunnel.client->has_session(tunnel.server_id));
}
