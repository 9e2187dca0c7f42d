// Two whole nodes over a wire that is bad, for a day of their time: nothing is lost but what the wire loses, nothing comes twice,
// nothing comes changed (THREATS, "loss, reordering, duplication, corruption, delay").
#include "tests/support/tunnel.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

/// Counts what went in and what came out, and looks at every packet.
struct Ledger {
    explicit Ledger(Tunnel& the_tunnel) : tunnel(the_tunnel) {
        tunnel.wire.on_sent([this](const Seen& seen) {
            const unsigned kind = kind_of(seen.bytes);
            if (kind == 1) initiations.push_back(seen.when);
            if (kind == 4 && seen.bytes.size() > numbers().overhead) ++sent;
            if (kind == 4 && seen.bytes.size() == numbers().overhead) ++keepalives;
        });
        tunnel.wire.on_lost([this](Bytes datagram) {
            if (kind_of(datagram) == 4 && datagram.size() > numbers().overhead) ++lost;
        });
        watch(*tunnel.server, tunnel.client_ip, tunnel.server_ip, to_server);
        watch(*tunnel.client, tunnel.server_ip, tunnel.client_ip, to_client);
    }
    void watch(Node& node, const IpAddress& from, const IpAddress& to, std::set<std::uint64_t>& received) {
        node.on_delivery([this, from, to, &received](Bytes packet) {
            const auto number = number_of(packet, from, to);
            if (!number) FAIL("a packet came changed, or from somebody else");
            if (!received.insert(*number).second) FAIL("letter ", *number, " came twice");
            ++delivered;
        });
    }

    Tunnel& tunnel;
    std::set<std::uint64_t> to_server;
    std::set<std::uint64_t> to_client;
    std::vector<Boot> initiations;
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;
    std::uint64_t delivered = 0;
    std::uint64_t keepalives = 0;
};

/// Who begins a conversation. Often enough it is both, since each speaks after a pause without asking the other.
enum class Beginner : std::uint8_t { client, either };

/// People's traffic: bursts, questions and answers, pauses of seconds, and now and then of a quarter of an hour.
void chat(Tunnel& tunnel, SeededRandom& random, Duration how_long, Beginner beginner) {
    const Boot end = tunnel.wire.clock.boot() + how_long;
    std::uint64_t number = 1;
    while (tunnel.wire.clock.boot() < end) {
        const std::uint64_t burst = random.chance(10) ? random.below(150) : 1 + random.below(4);
        for (std::uint64_t i = 0; i < burst; ++i) {
            const bool server_may = beginner == Beginner::either || tunnel.server->has_session(tunnel.client_id);
            const bool client_speaks = random.chance(50) || !server_may;
            client_speaks ? tunnel.client_sends(number) : tunnel.server_sends(number);
            ++number;
            if (random.chance(30)) tunnel.wire.run_for(std::chrono::microseconds(random.below(30'000)));
        }
        const Duration pause = random.chance(1) ? Duration(std::chrono::seconds(random.below(900)))
                                                : Duration(std::chrono::milliseconds(random.below(4000)));
        tunnel.wire.run_for(pause);
    }
    tunnel.wire.run_for(1s);
}

} // namespace

TEST_CASE("a packet that wants out brings up the session and arrives behind the handshake") {
    Tunnel tunnel;
    std::vector<unsigned> types;
    tunnel.wire.on_sent([&](const Seen& seen) { types.push_back(type_of(seen.bytes)); });
    CHECK(std::holds_alternative<tun::Staged>(tunnel.client_sends(7)));
    tunnel.wire.run_for(59ms);
    CHECK(tunnel.server_received().empty());
    tunnel.wire.run_for(1ms); // three times 20 ms
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{7});
    CHECK(types == std::vector<unsigned>{numbers().initiation_type, numbers().response_type, 4});
    CHECK(std::holds_alternative<tun::Sealed>(tunnel.client_sends(8)));
    CHECK(std::holds_alternative<tun::Sealed>(tunnel.server_sends(9)));
    tunnel.wire.run_for(20ms);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{8});
    CHECK(tunnel.client_received() == std::vector<std::uint64_t>{9});
}

TEST_CASE("on a good wire a day passes without a packet lost, and every session is renewed by its initiator after 120 seconds") {
    Tunnel tunnel;
    Ledger ledger(tunnel);
    std::uint64_t number = 0;
    for (int second = 0; second < 24 * 3600; ++second) {
        tunnel.client_sends(++number);
        tunnel.wire.run_for(500ms);
        tunnel.server_sends(++number);
        tunnel.wire.run_for(500ms);
    }
    CHECK(ledger.delivered == number);
    CHECK(ledger.lost == 0);
    CHECK(ledger.initiations.size() >= 24 * 3600 / 122);
    for (std::size_t i = 1; i < ledger.initiations.size(); ++i) {
        const Duration apart = ledger.initiations[i] - ledger.initiations[i - 1];
        if (apart < 120s || apart > 122s) FAIL("renewed after ", apart / 1ms, " ms");
    }
    CHECK(tunnel.server->events(EventKind::initiation_sent) == 0);
    CHECK(ledger.keepalives == ledger.initiations.size() - 1); // each confirms a renewal for which nothing had to wait
}

TEST_CASE("over a bad wire a day passes and nothing is lost but what the wire loses") {
    for (const std::uint64_t seed : {std::uint64_t{1}, std::uint64_t{2}}) {
        CAPTURE(seed);
        Tunnel tunnel(seed);
        Ledger ledger(tunnel);
        tunnel.wire.weather = {.drop = 5, .duplicate = 5, .reorder = 10, .corrupt = 3};
        SeededRandom random(seed);
        chat(tunnel, random, 24h, Beginner::client);
        CHECK(ledger.sent > 50'000);
        CHECK(ledger.lost > ledger.sent / 25);
        // The wire takes so long that a packet may arrive when its session has just ended: one in millions.
        const std::uint64_t late = tunnel.client->drops(Drop::expired) + tunnel.server->drops(Drop::expired);
        CHECK(ledger.delivered <= ledger.sent - ledger.lost);
        CHECK(ledger.delivered + late >= ledger.sent - ledger.lost);
        CHECK(late <= 2);
        CHECK(ledger.to_server.size() + ledger.to_client.size() == ledger.delivered);
    }
}

TEST_CASE("and if both sides begin, at most what the three key slots can't hold while handshakes cross: one in ten thousand") {
    Tunnel tunnel(3);
    Ledger ledger(tunnel);
    tunnel.wire.weather = {.drop = 5, .duplicate = 5, .reorder = 10, .corrupt = 3};
    SeededRandom random(3);
    chat(tunnel, random, 24h, Beginner::either);
    CHECK(ledger.sent > 50'000);
    CHECK(ledger.delivered <= ledger.sent - ledger.lost);
    CHECK(ledger.delivered >= ledger.sent - ledger.lost - ledger.sent / 10'000);
    CHECK(tunnel.server->drops(Drop::wrong_source) == 0);
    CHECK(tunnel.client->drops(Drop::not_ip) == 0);
}

TEST_CASE("a wire that loses half of everything still carries the other half") {
    Tunnel tunnel(4);
    Ledger ledger(tunnel);
    tunnel.wire.weather = {.drop = 50};
    SeededRandom random(4);
    chat(tunnel, random, 6h, Beginner::client);
    CHECK(ledger.delivered > 1000);
    CHECK(ledger.delivered == ledger.sent - ledger.lost);
}

TEST_CASE("IPv4 and IPv6 go through the same session") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    (void)tunnel.client->send(letter(tunnel.client_ip6, tunnel.server_ip6, 5));
    (void)tunnel.server->send(letter(tunnel.server_ip6, tunnel.client_ip6, 6));
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server->take_delivered() == std::vector<ByteVector>{letter(tunnel.client_ip6, tunnel.server_ip6, 5)});
    CHECK(tunnel.client->take_delivered() == std::vector<ByteVector>{letter(tunnel.server_ip6, tunnel.client_ip6, 6)});
}

TEST_CASE("packets of every length arrive as they were, padded on the wire to 16 bytes but never past the MTU") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    std::size_t on_the_wire = 0;
    tunnel.wire.on_sent([&](const Seen& seen) {
        if (seen.from == tunnel.home) on_the_wire = seen.bytes.size();
    });
    for (std::size_t payload = 0; payload <= 1400; ++payload) {
        const ByteVector packet = inner_packet(tunnel.client_ip, tunnel.server_ip, vectors::pattern(payload, 3, 1));
        (void)tunnel.client->send(packet);
        tunnel.wire.run_for(20ms);
        const std::size_t padded = std::min<std::size_t>((packet.size() + 15) / 16 * 16, 1420);
        if (on_the_wire != padded + numbers().overhead) FAIL(packet.size(), " bytes became ", on_the_wire);
        if (tunnel.server->take_delivered() != std::vector<ByteVector>{packet}) FAIL(packet.size(), " bytes");
    }
}

TEST_CASE("when both begin at the same moment both get through") {
    for (const unsigned drop : {0U, 20U}) {
        Tunnel tunnel(5);
        tunnel.server->configure(
            [&](Device& device, Now now, Outbox& out) { device.set_endpoint(tunnel.client_id, tunnel.home, now, out); });
        tunnel.wire.weather.drop = drop;
        std::uint64_t arrived = 0;
        tunnel.client->on_delivery([&](Bytes) { ++arrived; });
        tunnel.server->on_delivery([&](Bytes) { ++arrived; });
        for (std::uint64_t second = 0; second < 600; ++second) {
            tunnel.client_sends(second);
            tunnel.server_sends(second);
            tunnel.wire.run_for(1s);
        }
        if (drop == 0) CHECK(arrived == 1200);
        CHECK(arrived > 800);
    }
}
