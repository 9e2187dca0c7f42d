// What two nodes do when little or nothing is said: keepalives, new handshakes, giving up, forgetting (PROTOCOL 3), and how
// seldom they wake for it (HOUSE: nothing polls).
#include "tests/support/tunnel.hpp"

#include <doctest/doctest.h>

#include <numeric>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

/// Everything that is sent, by kind and size.
struct Log {
    std::vector<Seen> all;
    explicit Log(Tunnel& tunnel) {
        tunnel.wire.on_sent([this](const Seen& seen) { all.push_back(seen); });
    }
    [[nodiscard]] std::size_t of_kind(unsigned kind) const {
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const Seen& s) { return kind_of(s.bytes) == kind; }));
    }
    [[nodiscard]] std::size_t keepalives() const {
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [](const Seen& s) { return kind_of(s.bytes) == 4 && s.bytes.size() == numbers().overhead; }));
    }
};

} // namespace

TEST_CASE("data that nobody answers is answered by an empty packet after 10 seconds, and that one by nothing") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    Log log(tunnel);
    tunnel.wire.run_for(60s); // the keepalive for the first packet
    CHECK(log.all.size() == 1);
    log.all.clear();
    tunnel.client_sends(1);
    const Boot arrived = tunnel.wire.clock.boot() + 20ms;
    tunnel.wire.run_for(300s);
    REQUIRE(log.all.size() == 2);
    CHECK(log.all[1].bytes.size() == numbers().overhead);
    CHECK(log.all[1].from == tunnel.site);
    CHECK(log.all[1].when == arrived + 10s);
}

TEST_CASE("keepalives never answer each other: a conversation that is over stays over") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    for (std::uint64_t i = 1; i < 50; ++i) {
        tunnel.client_sends(i);
        tunnel.server_sends(i);
        tunnel.wire.run_for(700ms);
    }
    tunnel.wire.run_for(30s);
    Log log(tunnel);
    tunnel.wire.run_for(24h);
    CHECK(log.all.empty());
}

TEST_CASE("if an answer comes within 10 seconds no keepalive is needed") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(11s);
    Log log(tunnel);
    for (std::uint64_t i = 1; i < 6; ++i) {
        tunnel.client_sends(i);
        tunnel.wire.run_for(9s);
        tunnel.server_sends(i);
        tunnel.wire.run_for(9s);
    }
    CHECK(log.keepalives() == 0);
    CHECK(log.of_kind(1) == 0);
}

TEST_CASE("a one-way stream is kept alive by a keepalive every 10 seconds and never starts a handshake out of fear") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    Log log(tunnel);
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        tunnel.client_sends(i);
        tunnel.wire.run_for(100ms);
    }
    CHECK(log.of_kind(1) == 0);
    CHECK(log.keepalives() == 10);
}

TEST_CASE("questions and answers in turn start no handshake out of fear, whatever the pauses between them") {
    for (Duration pause = 100ms; pause < 15s; pause += 700ms) {
        CAPTURE(pause / 1ms);
        Tunnel tunnel;
        REQUIRE(tunnel.connect());
        tunnel.wire.run_for(30s);
        Log log(tunnel);
        tunnel.client_sends(1);
        tunnel.wire.run_for(100ms);
        tunnel.server_sends(2);
        tunnel.wire.run_for(pause);
        tunnel.client_sends(3);
        tunnel.wire.run_for(50s);
        CHECK(log.of_kind(1) == 0);
    }
}

TEST_CASE("a persistent keepalive keeps the way open every 25 seconds, in an idle tunnel, and brings up new sessions") {
    Tunnel tunnel;
    tunnel.persistent_keepalive = 25s;
    tunnel.restart_client();
    Log log(tunnel);
    tunnel.wire.run_for(1h);
    Boot last{};
    for (const Seen& seen : log.all) {
        if (seen.from != tunnel.home) continue;
        if (last != Boot{} && seen.when - last > 25s + 1ms) FAIL("a gap of ", (seen.when - last) / 1ms, " ms");
        last = seen.when;
    }
    CHECK(log.of_kind(1) >= 3600 / 180);
    CHECK(log.of_kind(1) <= 3600 / 120);
    CHECK(log.of_kind(4) <= 3600 / 25 * 2);
}

TEST_CASE("silence for 15 seconds and a jitter after data makes the sender try a new handshake") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(30s);
    tunnel.wire.unplug(*tunnel.server);
    Log log(tunnel);
    const Boot first = tunnel.wire.clock.boot();
    tunnel.client_sends(1);
    tunnel.wire.run_for(7s);
    tunnel.client_sends(2);
    tunnel.wire.run_for(9s);
    REQUIRE(log.of_kind(1) == 1);
    CHECK(log.all.back().when >= first + 15s);
    CHECK(log.all.back().when <= first + 15s + 333ms);
}

TEST_CASE("attempts are 5 seconds and a jitter apart, end after 90 seconds, and what was staged is gone then") {
    Tunnel tunnel;
    tunnel.wire.unplug(*tunnel.server);
    Log log(tunnel);
    CHECK(std::holds_alternative<tun::Staged>(tunnel.client_sends(1)));
    tunnel.wire.run_for(300s);
    CHECK(log.all.size() >= 17);
    CHECK(log.all.size() <= 18);
    for (std::size_t i = 1; i < log.all.size(); ++i) {
        CHECK(log.all[i].when - log.all[i - 1].when >= 5s);
        CHECK(log.all[i].when - log.all[i - 1].when <= 5s + 333ms);
    }
    CHECK(tunnel.client->events(EventKind::gave_up) == 1);
    CHECK_FALSE(tunnel.client->wakes_at().has_value());

    tunnel.wire.plug(*tunnel.server, tunnel.site);
    tunnel.client_sends(2);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{2});
}

TEST_CASE(
    "as long as packets want out attempts go on, at most one in 5 seconds, and the tunnel is back soon after the network is") {
    Tunnel tunnel;
    tunnel.wire.unplug(*tunnel.server);
    Log log(tunnel);
    std::uint64_t number = 0;
    for (int i = 0; i < 3000; ++i) { // ten minutes
        tunnel.client_sends(++number);
        tunnel.wire.run_for(200ms);
    }
    CHECK(log.all.size() >= 600 / 6);
    CHECK(log.all.size() <= 600 / 5 + 1);
    tunnel.wire.plug(*tunnel.server, tunnel.site);
    tunnel.wire.run_for(5s + 400ms);
    const auto arrived = tunnel.server_received();
    REQUIRE(arrived.size() == 128); // the newest, in order
    for (std::size_t i = 0; i < arrived.size(); ++i) CHECK(arrived[i] == number - 127 + i);
    CHECK(tunnel.client->drops(Drop::stage_full) == number - 128);
}

TEST_CASE("128 packets wait for a session, the oldest go for more, and they leave in order, before any newer one") {
    Tunnel tunnel;
    for (std::uint64_t i = 0; i < 200; ++i) CHECK(std::holds_alternative<tun::Staged>(tunnel.client_sends(i)));
    CHECK(tunnel.client->drops(Drop::stage_full) == 72);
    tunnel.wire.run_for(45ms); // the response is there
    CHECK(std::holds_alternative<tun::Sealed>(tunnel.client_sends(200)));
    tunnel.wire.run_for(1s);
    std::vector<std::uint64_t> expected(129);
    std::iota(expected.begin(), expected.end(), 72);
    CHECK(tunnel.server_received() == expected);
}

TEST_CASE("what the responder stages goes out when the initiator's first packet has come") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(200s); // that session is over
    bool confirmed = false;
    tunnel.wire.on_sent([&](const Seen& seen) {
        if (kind_of(seen.bytes) == 4 && seen.from == tunnel.site) CHECK(confirmed);
        if (kind_of(seen.bytes) == 4 && seen.from == tunnel.home) confirmed = true;
    });
    tunnel.client_sends(1);
    tunnel.wire.run_for(25ms); // the initiation has been answered
    CHECK(std::holds_alternative<tun::Staged>(tunnel.server_sends(2)));
    CHECK(std::holds_alternative<tun::Staged>(tunnel.server_sends(3)));
    tunnel.wire.run_for(100ms);
    CHECK(tunnel.client_received() == std::vector<std::uint64_t>{2, 3});
}

TEST_CASE("540 seconds after the last handshake neither side holds a session, and neither will wake again") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    const Boot born = tunnel.client->peer(tunnel.server_id).keyring().current()->born();
    tunnel.wire.run_until(born + 540s - 100ms);
    CHECK(tunnel.client->peer(tunnel.server_id).keyring().current());
    tunnel.wire.run_until(born + 540s + 1ms);
    for (Node* node : {tunnel.client.get(), tunnel.server.get()}) {
        const Keyring& keyring = node->device().peer(node->device().peers().front())->keyring();
        CHECK_FALSE(keyring.previous());
        CHECK_FALSE(keyring.current());
        CHECK_FALSE(keyring.next());
        CHECK_FALSE(node->wakes_at().has_value());
    }
    CHECK(tunnel.connect());
}

TEST_CASE("wiped keys are gone: nobody else holds the session any more") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    const std::weak_ptr<Session> session = tunnel.client->peer(tunnel.server_id).keyring().current();
    tunnel.wire.run_for(541s);
    tunnel.client->configure([](Device&, Now, Outbox&) {}); // a turn of the loop, in which garbage is freed
    CHECK(session.expired());
}

TEST_CASE("no packet is sealed or opened on a session that is 180 seconds old") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    const Boot born = tunnel.server->peer(tunnel.client_id).keyring().current()->born();
    tunnel.wire.run_until(born + 179s);
    ByteVector late;
    tunnel.wire.on_sent([&](const Seen& seen) {
        if (kind_of(seen.bytes) == 4) late = seen.bytes;
    });
    tunnel.wire.lose_if([](const Seen&) { return true; });
    CHECK(std::holds_alternative<tun::Sealed>(tunnel.client_sends(1)));
    tunnel.wire.run_until(born + 181s);
    tunnel.wire.inject(late, tunnel.home, tunnel.site);
    tunnel.wire.run_for(20ms);
    CHECK(tunnel.server_received().empty());
    CHECK(tunnel.server->drops(Drop::expired) == 1);
    CHECK(std::holds_alternative<tun::Staged>(tunnel.client_sends(2)));
    CHECK(std::holds_alternative<tun::Staged>(tunnel.server_sends(2)));
}

TEST_CASE("the initiator renews a session that it only receives on, at 165 seconds, once") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    const Boot born = tunnel.client->peer(tunnel.server_id).keyring().current()->born();
    Log log(tunnel);
    std::uint64_t number = 0;
    while (tunnel.wire.clock.boot() < born + 100s) { // the server streams to the client
        tunnel.server_sends(++number);
        tunnel.wire.run_for(1s);
    }
    tunnel.wire.run_until(born + 118s); // the client's last keepalive is out: from now on it sends nothing by itself
    tunnel.wire.run_until(born + 165s - 30ms);
    CHECK(log.of_kind(1) == 0);
    tunnel.wire.run_until(born + 165s);
    tunnel.server_sends(++number);
    tunnel.server_sends(++number);
    tunnel.wire.run_for(1s);
    CHECK(log.of_kind(1) == 1);
    CHECK(tunnel.client->peer(tunnel.server_id).keyring().current()->born() > born + 165s);
}

TEST_CASE("an idle tunnel wakes nobody: a few times in the first nine minutes, then never") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    const auto before = tunnel.client->wakes() + tunnel.server->wakes();
    CHECK(tunnel.wire.run_dry(48h) <= 541s);
    CHECK(tunnel.client->wakes() + tunnel.server->wakes() - before <= 12);
    CHECK_FALSE(tunnel.client->wakes_at().has_value());
    CHECK_FALSE(tunnel.server->wakes_at().has_value());
}

TEST_CASE("a busy tunnel wakes control about once in ten seconds a side") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    const auto before = tunnel.client->wakes() + tunnel.server->wakes();
    for (std::uint64_t i = 0; i < 36'000; ++i) { // an hour
        i % 2 == 0 ? tunnel.client_sends(i) : tunnel.server_sends(i);
        tunnel.wire.run_for(100ms);
    }
    const auto wakes = tunnel.client->wakes() + tunnel.server->wakes() - before;
    CHECK(wakes >= 2 * 300);
    CHECK(wakes <= 2 * 500);
}

TEST_CASE("with a persistent keepalive an idle tunnel wakes a side about once an interval") {
    Tunnel tunnel;
    tunnel.persistent_keepalive = 25s;
    tunnel.restart_client();
    tunnel.wire.run_for(10s);
    const auto client = tunnel.client->wakes();
    const auto server = tunnel.server->wakes();
    tunnel.wire.run_for(1h);
    CHECK(tunnel.client->wakes() - client <= 3600 / 25 + 60);
    CHECK(tunnel.server->wakes() - server <= 60);
}
