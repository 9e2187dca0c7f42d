// PROTOCOL 3, "Roaming": an authentic packet moves a peer, nothing else does.
#include "tests/support/tunnel.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

const Endpoint cafe = endpoint("203.0.113.7:4000");
const Endpoint attacker = endpoint("203.0.113.66:6666");

/// A connected pair whose datagrams are all kept.
struct Roaming : Tunnel {
    std::vector<Seen> seen;
    Roaming() {
        wire.on_sent([this](const Seen& each) { seen.push_back(each); });
        REQUIRE(connect());
    }
    ByteVector last_of(unsigned kind, const Endpoint& from) const {
        for (auto each = seen.rbegin(); each != seen.rend(); ++each)
            if (kind_of(each->bytes) == kind && each->from == from) return each->bytes;
        FAIL("nothing of kind ", kind);
        return {};
    }
    void attack(const ByteVector& bytes) {
        wire.inject(bytes, attacker, site);
        wire.run_for(1s);
    }
    /// Where the server's next packet goes.
    Endpoint server_sends_to() {
        const std::size_t before = seen.size();
        server_sends(99);
        REQUIRE(seen.size() == before + 1);
        return seen.back().to;
    }
};

} // namespace

TEST_CASE("only an authentic packet moves a roaming peer") {
    Roaming tunnel;
    CHECK(tunnel.server_sends_to() == tunnel.home);
    tunnel.client_sends(1);
    tunnel.wire.run_for(1s);
    const ByteVector genuine = tunnel.last_of(4, tunnel.home);

    SUBCASE("authentic data") {
        tunnel.wire.plug(*tunnel.client, cafe);
        tunnel.client_sends(2);
        tunnel.wire.run_for(1s);
        CHECK(tunnel.server_sends_to() == cafe);
        tunnel.wire.run_for(1s);
        CHECK(tunnel.client_received() == std::vector<std::uint64_t>{99, 99});
        CHECK(tunnel.server->events(EventKind::endpoint_moved) == 1);
    }
    SUBCASE("an authentic keepalive") {
        tunnel.server_sends(3);
        tunnel.wire.run_for(1s);
        tunnel.wire.plug(*tunnel.client, cafe);
        tunnel.wire.run_for(10s);
        CHECK(tunnel.server_sends_to() == cafe);
    }
    SUBCASE("replayed data") {
        tunnel.attack(genuine);
        CHECK(tunnel.server->drops(Drop::replayed) == 1);
        CHECK(tunnel.server->drops(tunnel.client_id, Drop::replayed) == 1);
        CHECK(tunnel.server_sends_to() == tunnel.home);
    }
    SUBCASE("forged data, any byte of it") {
        for (std::size_t i = 0; i < genuine.size(); ++i) {
            ByteVector forged = genuine;
            forged[i] ^= std::byte{1};
            tunnel.wire.inject(forged, attacker, tunnel.site);
        }
        tunnel.wire.run_for(1s);
        CHECK(tunnel.server_sends_to() == tunnel.home);
    }
    SUBCASE("a replayed initiation") {
        tunnel.attack(tunnel.last_of(1, tunnel.home));
        CHECK(tunnel.server->drops(Drop::old_timestamp) == 1);
        CHECK(tunnel.server->drops(tunnel.client_id, Drop::old_timestamp) == 1);
        CHECK(tunnel.server_sends_to() == tunnel.home);
    }
    SUBCASE("a replayed response") {
        tunnel.wire.inject(tunnel.last_of(2, tunnel.site), attacker, tunnel.home);
        tunnel.wire.run_for(1s);
        CHECK(tunnel.client->where(tunnel.server_id) == tunnel.site);
    }
    SUBCASE("garbage of every length") {
        SeededRandom random(1);
        for (std::size_t size = 0; size < 1500; ++size) {
            ByteVector garbage = random.bytes(size);
            if (size >= 4) store_le(garbage.data(), static_cast<std::uint32_t>(1 + random.below(6)));
            tunnel.wire.inject(garbage, attacker, tunnel.site);
        }
        tunnel.wire.run_for(1s);
        CHECK(tunnel.server_sends_to() == tunnel.home);
    }
}

TEST_CASE("a packet that was overtaken by a later one from elsewhere doesn't move the peer back") {
    Roaming tunnel;
    tunnel.wire.weather.delay = 500ms;
    tunnel.client_sends(1); // from home, slow
    tunnel.wire.weather.delay = 20ms;
    tunnel.wire.plug(*tunnel.client, cafe);
    tunnel.client_sends(2);
    tunnel.wire.run_for(2s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{2, 1}); // both are welcome
    CHECK(tunnel.server_sends_to() == cafe);
}

TEST_CASE("an initiation that was kept back and is sent from elsewhere moves nobody, once a newer one was answered") {
    Roaming tunnel;
    tunnel.wire.run_for(200s);
    tunnel.wire.lose_if([&](const Seen& seen) { return kind_of(seen.bytes) == 1; });
    tunnel.client_sends(1); // the attacker takes this initiation off the wire
    const ByteVector kept = tunnel.last_of(1, tunnel.home);
    tunnel.wire.lose_if({});
    tunnel.wire.run_for(10s); // the next one gets through
    REQUIRE(tunnel.server->has_session(tunnel.client_id));
    tunnel.attack(kept);
    CHECK(tunnel.server_sends_to() == tunnel.home);
}

TEST_CASE("a client that moves every few seconds for an hour, over a bad wire, keeps its tunnel") {
    Tunnel tunnel(9);
    tunnel.wire.weather = {.drop = 5, .duplicate = 5, .reorder = 5, .corrupt = 1, .reorder_by = 100ms};
    SeededRandom random(9);
    std::uint64_t number = 0;
    std::uint64_t to_client = 0;
    std::uint64_t to_server = 0;
    tunnel.client->on_delivery([&](Bytes) { ++to_client; });
    tunnel.server->on_delivery([&](Bytes) { ++to_server; });
    for (int second = 0; second < 3600; ++second) {
        if (random.chance(20)) {
            Endpoint elsewhere = endpoint("203.0.113.1:1024");
            elsewhere.port.value = static_cast<std::uint16_t>(1024 + random.below(60'000));
            tunnel.wire.plug(*tunnel.client, elsewhere);
        }
        tunnel.client_sends(++number);
        tunnel.wire.run_for(500ms);
        tunnel.server_sends(++number);
        tunnel.wire.run_for(500ms);
    }
    CHECK(to_server > 3600 * 85 / 100);
    CHECK(to_client > 3600 * 70 / 100); // what is under way to the place it left is lost
}

TEST_CASE("the server may move, too") {
    Roaming tunnel;
    tunnel.wire.plug(*tunnel.server, cafe);
    tunnel.server_sends(1);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.client->where(tunnel.server_id) == cafe);
    tunnel.client_sends(2);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{2});
}

TEST_CASE("a peer that changes from IPv4 to IPv6 is followed") {
    Roaming tunnel;
    tunnel.wire.plug(*tunnel.client, endpoint("[2001:db8::7]:4000"));
    tunnel.client_sends(2);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_sends_to() == endpoint("[2001:db8::7]:4000"));
}
