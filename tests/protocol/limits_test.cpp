// A peer that is barred, metered or slowed, between whole nodes: its session ends, nothing of it is answered, and the reason is
// counted; others notice nothing.
#include "tests/support/tunnel.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

struct Limited {
    std::optional<Drop> barred = std::nullopt;
    std::optional<ByteCount> quota_left = std::nullopt;
    std::optional<BitRate> rate = std::nullopt;
};

/// What the server is told of its client from now on.
void limit(Tunnel& tunnel, const Limited& limited) {
    PeerConfig config;
    config.public_key = tunnel.client->name();
    config.suite = suite_under_test();
    config.allowed_ips = {prefix("10.66.0.2/32"), prefix("fd66::2/128")};
    config.barred = limited.barred;
    config.quota_left = limited.quota_left;
    config.rate = limited.rate;
    tunnel.server->configure([&](Device& device, Now now, Outbox& out) { device.set_peer(std::move(config), now, out); });
}

std::size_t sent_by_server(Tunnel& tunnel, std::vector<Seen>& seen) {
    return static_cast<std::size_t>(std::ranges::count_if(seen, [&](const Seen& each) { return each.from == tunnel.site; }));
}

} // namespace

TEST_CASE("a peer that is barred loses its session at once, and is not answered any more") {
    for (const Drop reason : {Drop::peer_disabled, Drop::peer_expired, Drop::over_quota}) {
        Tunnel tunnel;
        REQUIRE(tunnel.connect());
        limit(tunnel, {.barred = reason});
        CHECK_FALSE(tunnel.server->has_session(tunnel.client_id));
        std::vector<Seen> seen;
        tunnel.wire.on_sent([&](const Seen& each) { seen.push_back(each); });
        tunnel.client_sends(1);
        CHECK(std::holds_alternative<Drop>(tunnel.server_sends(2)));
        tunnel.wire.run_for(60s);
        CHECK(tunnel.server_received().empty());
        CHECK(tunnel.client_received().empty());
        CHECK(sent_by_server(tunnel, seen) == 0);
        CHECK(tunnel.server->drops(Drop::unknown_session) >= 1);
        CHECK(tunnel.server->drops(reason) >= 2); // its initiations, every five seconds
        CHECK(tunnel.server->events(EventKind::refused) == static_cast<int>(tunnel.server->drops(reason)));
    }
}

TEST_CASE("a peer that is let in again connects by itself") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    limit(tunnel, {.barred = Drop::peer_disabled});
    tunnel.client_sends(1);
    tunnel.wire.run_for(30s);
    REQUIRE(tunnel.server_received().empty());
    limit(tunnel, {});
    tunnel.client_sends(2); // on a session that the server has forgotten
    tunnel.wire.run_for(30s);
    REQUIRE(tunnel.server->has_session(tunnel.client_id));
    tunnel.client_sends(3);
    tunnel.wire.run_for(1s);
    const auto received = tunnel.server_received();
    REQUIRE_FALSE(received.empty());
    CHECK(received.back() == 3);
}

TEST_CASE("an initiation of a barred peer is counted only if the peer wrote it") {
    Tunnel tunnel;
    limit(tunnel, {.barred = Drop::peer_expired});
    std::vector<Seen> seen;
    tunnel.wire.on_sent([&](const Seen& each) { seen.push_back(each); });
    tunnel.client_sends(1);
    tunnel.wire.run_for(1s);
    REQUIRE(tunnel.server->drops(Drop::peer_expired) == 1);
    ByteVector forged = seen.at(0).bytes;
    forged[forged.size() - 40] ^= std::byte{1};                              // in the sealed timestamp
    MacKeys(tunnel.server->name()).write_mac1(MacFields<std::byte>{forged}); // which everybody can make
    tunnel.wire.inject(forged, tunnel.home, tunnel.site);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server->drops(Drop::peer_expired) == 1);
    CHECK(tunnel.server->drops(Drop::bad_tag) == 1);
}

TEST_CASE("the byte that uses up the quota ends the session, whichever way it went") {
    for (const bool sending : {false, true}) {
        Tunnel tunnel;
        REQUIRE(tunnel.connect());
        limit(tunnel, {.quota_left = ByteCount{100'000}});
        const auto passed = [&] {
            const Activity& activity = *tunnel.server->peer(tunnel.client_id).activity();
            return activity.received_bytes().value + activity.sent_bytes().value;
        };
        const std::uint64_t before = passed();
        for (std::uint64_t i = 0; i < 1000 && tunnel.server->has_session(tunnel.client_id); ++i) {
            if (sending)
                tunnel.server_sends(i);
            else
                tunnel.client_sends(i);
            tunnel.wire.run_for(25ms);
        }
        CHECK_FALSE(tunnel.server->has_session(tunnel.client_id));
        CHECK(tunnel.server->events(EventKind::spent) == 1);
        CHECK(passed() - before >= 100'000);
        CHECK(passed() - before < 100'000 + 2'000);
        tunnel.client_sends(1);
        tunnel.wire.run_for(30s);
        CHECK(tunnel.server->drops(Drop::over_quota) >= 1);
        limit(tunnel, {.quota_left = ByteCount{100'000}}); // a new one
        tunnel.client_sends(7);
        tunnel.wire.run_for(30s);
        CHECK(tunnel.server->has_session(tunnel.client_id));
    }
}

TEST_CASE("each direction is held to the peer's rate, and what is over it is counted") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    limit(tunnel, {.rate = BitRate{1'000'000}});
    const std::uint64_t letters = 10'000; // one a millisecond, each way
    std::size_t up = 0;
    std::size_t down = 0;
    tunnel.server->on_delivery([&](Bytes packet) { up += packet.size(); });
    tunnel.client->on_delivery([&](Bytes packet) { down += packet.size(); });
    std::size_t offered = 0;
    for (std::uint64_t i = 0; i < letters; ++i) {
        offered += letter(tunnel.client_ip, tunnel.server_ip, i).size();
        tunnel.client_sends(i);
        tunnel.server_sends(i);
        tunnel.wire.run_for(1ms);
    }
    tunnel.wire.run_for(1s);
    REQUIRE(offered > 4'000'000);
    // Ten seconds of the rate, and the bucket that was full.
    for (const std::size_t passed : {up, down}) {
        CHECK(passed > 1'250'000);
        CHECK(passed < 1'250'000 + 32'768 + 1'500);
    }
    CHECK(tunnel.server->drops(Drop::over_rate) > 1000);
    CHECK(tunnel.client->drops(Drop::over_rate) == 0);
    CHECK(tunnel.server->drops(Drop::replayed) == 0);
    CHECK(tunnel.client->drops(Drop::replayed) == 0);
}
