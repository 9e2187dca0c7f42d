// What is inside the tunnel: cryptokey routing both ways, forged counters, limits, and the errors that senders get (PROTOCOL 3).
#include "tests/support/tunnel.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t reject_after = 18'446'744'073'709'543'423U; // 2^64 - 2^13 - 1

Session& current(const Node& node, PeerId peer) { return *node.peer(peer).keyring().current(); }

protocol::Drop drop_of(const tun::Outgoing& outgoing) {
    REQUIRE(std::holds_alternative<Drop>(outgoing));
    return std::get<Drop>(outgoing);
}

} // namespace

TEST_CASE("an inner source that isn't the peer's is dropped, even if no other peer has it") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    for (const std::string_view forged : {"10.66.0.3", "10.66.0.1", "192.0.2.1", "0.0.0.0", "255.255.255.255"})
        (void)tunnel.client->send(inner_packet(ip(forged), tunnel.server_ip, {}));
    for (const std::string_view forged : {"fd66::3", "::", "fe80::1", "::ffff:10.66.0.2"})
        (void)tunnel.client->send(inner_packet(ip(forged), tunnel.server_ip6, {}));
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server->take_delivered().empty());
    CHECK(tunnel.server->drops(Drop::wrong_source) == 9);
}

TEST_CASE("the longest match over all peers must be the sender, not merely one of its own prefixes") {
    Wire wire;
    Node hub(1, wire.clock);
    Node office(2, wire.clock);
    Node laptop(3, wire.clock);
    wire.plug(hub, endpoint("198.51.100.1:1"));
    wire.plug(office, endpoint("198.51.100.2:2"));
    wire.plug(laptop, endpoint("198.51.100.3:3"));
    const PeerId office_id = hub.meet({.public_key = office.name(), .allowed_ips = {"10.0.0.0/8"}});
    const PeerId laptop_id = hub.meet({.public_key = laptop.name(), .allowed_ips = {"10.0.0.5/32"}});
    for (Node* spoke : {&office, &laptop})
        spoke->meet({.public_key = hub.name(), .allowed_ips = {"0.0.0.0/0"}, .endpoint = endpoint("198.51.100.1:1")});

    const auto arrives = [&](Node& from, std::string_view source) {
        (void)from.send(inner_packet(ip(source), ip("10.9.9.9"), {}));
        wire.run_for(1s);
        return hub.take_delivered().size() == 1;
    };
    CHECK(arrives(office, "10.0.0.4"));
    CHECK(arrives(laptop, "10.0.0.5"));
    CHECK_FALSE(arrives(office, "10.0.0.5")); // within 10.0.0.0/8, but the laptop's
    CHECK_FALSE(arrives(laptop, "10.0.0.4"));
    CHECK_FALSE(arrives(laptop, "10.0.0.6"));
    CHECK(hub.drops(Drop::wrong_source) == 3);
    CHECK(hub.drops(office_id, Drop::wrong_source) == 1);
    CHECK(hub.drops(laptop_id, Drop::wrong_source) == 2);
}

TEST_CASE("each packet goes to the peer with the longest prefix, and moves when the prefix does") {
    Wire wire;
    Node hub(1, wire.clock);
    Node left(2, wire.clock);
    Node right(3, wire.clock);
    wire.plug(hub, endpoint("198.51.100.1:1"));
    wire.plug(left, endpoint("198.51.100.2:2"));
    wire.plug(right, endpoint("198.51.100.3:3"));
    for (Node* spoke : {&left, &right}) spoke->meet({.public_key = hub.name(), .allowed_ips = {"10.1.1.1/32"}});
    hub.meet({.public_key = left.name(), .allowed_ips = {"10.2.0.0/16"}, .endpoint = endpoint("198.51.100.2:2")});
    hub.meet({.public_key = right.name(), .allowed_ips = {"10.2.3.0/24"}, .endpoint = endpoint("198.51.100.3:3")});
    const auto reaches = [&](Node& node, std::string_view to) {
        (void)hub.send(inner_packet(ip("10.1.1.1"), ip(to), {}));
        wire.run_for(1s);
        const bool reached = node.take_delivered().size() == 1;
        return reached && left.take_delivered().empty() && right.take_delivered().empty();
    };
    CHECK(reaches(left, "10.2.1.1"));
    CHECK(reaches(right, "10.2.3.1"));
    hub.meet({.public_key = left.name(), .allowed_ips = {"10.2.0.0/16", "10.2.3.0/24"}});
    CHECK(reaches(left, "10.2.3.1"));
}

TEST_CASE("without a peer for a destination the packet is dropped with a reason, and its sender can be told") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    CHECK(drop_of(tunnel.server->send(inner_packet(tunnel.server_ip, ip("10.66.0.77"), {}))) == Drop::no_route);
    CHECK(drop_of(tunnel.server->send(inner_packet(tunnel.server_ip6, ip("fd66::77"), {}))) == Drop::no_route);
    CHECK(drop_of(tunnel.server->send(ByteVector(60))) == Drop::not_ip);
    tunnel.restart_server(); // it doesn't know where the client is
    CHECK(drop_of(tunnel.server_sends(1)) == Drop::no_endpoint);
}

TEST_CASE("an inner packet that lies about its length, or is none, is dropped after it was found authentic") {
    // A peer of ours would not send such packets: this one seals them with the session's own keys.
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    const auto inject = [&](const ByteVector& inner) {
        Session& session = current(*tunnel.client, tunnel.server_id);
        ByteVector datagram(inner.size() + numbers().overhead);
        session.keys().seal(session.remote(), *session.take_counters(1, tunnel.wire.clock.boot()), inner, datagram);
        tunnel.wire.inject(datagram, tunnel.home, tunnel.site);
        tunnel.wire.run_for(20ms);
    };
    ByteVector too_long = inner_packet(tunnel.client_ip, tunnel.server_ip, ByteVector(20));
    store_be(too_long.data() + 2, std::uint16_t{41});
    inject(too_long);
    inject(ByteVector(1, std::byte{0x45}));
    inject(ByteVector(19, std::byte{0x45}));
    inject(ByteVector(64));
    SeededRandom random(2);
    for (int i = 0; i < 300; ++i) inject(random.bytes(1 + random.below(100)));
    CHECK(tunnel.server->take_delivered().empty());
    CHECK(tunnel.server->drops(Drop::not_ip) >= 4);
    CHECK(tunnel.server->drops(Drop::not_ip) + tunnel.server->drops(Drop::wrong_source) == 304);

    ByteVector padded = inner_packet(tunnel.client_ip, tunnel.server_ip, ByteVector(20));
    const ByteVector exact = padded;
    padded.resize(512); // more padding than anybody needs
    inject(padded);
    CHECK(tunnel.server->take_delivered() == std::vector<ByteVector>{exact});
}

TEST_CASE("a forged high counter doesn't move the window: the genuine packet with that counter is accepted") {
    Tunnel tunnel;
    std::vector<ByteVector> held;
    REQUIRE(tunnel.connect());
    tunnel.wire.on_sent([&](const Seen& seen) { held.push_back(seen.bytes); });
    tunnel.wire.lose_if([](const Seen&) { return true; });
    tunnel.client_sends(1);
    tunnel.wire.lose_if({});
    REQUIRE(held.size() == 1);
    for (const std::uint64_t counter : {std::uint64_t{2}, std::uint64_t{100'000}, std::uint64_t{1} << 59U, reject_after - 1}) {
        ByteVector forged = held[0];
        store_le(forged.data() + 8, counter);
        tunnel.wire.inject(forged, tunnel.home, tunnel.site);
    }
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server->drops(Drop::bad_tag) == 4);
    tunnel.wire.inject(held[0], tunnel.home, tunnel.site);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{1});
}

TEST_CASE("packets more than 8128 behind the newest are refused, up to that they are taken, once") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    std::vector<ByteVector> held;
    tunnel.wire.on_sent([&](const Seen& seen) {
        if (seen.from == tunnel.home && seen.bytes.size() > numbers().overhead) held.push_back(seen.bytes);
    });
    tunnel.wire.lose_if([&](const Seen& seen) { return seen.from == tunnel.home; });
    for (std::uint64_t i = 0; i < 8130; ++i) tunnel.client_sends(i);
    tunnel.wire.lose_if({});
    const auto arrives = [&](std::size_t which) {
        tunnel.wire.inject(held.at(which), tunnel.home, tunnel.site);
        tunnel.wire.run_for(20ms);
        return tunnel.server_received() == std::vector<std::uint64_t>{which};
    };
    CHECK(arrives(8129));
    CHECK_FALSE(arrives(0)); // 8129 behind
    CHECK(arrives(1));       // 8128 behind
    CHECK_FALSE(arrives(1));
    CHECK(arrives(2));
    CHECK(arrives(8128));
    CHECK_FALSE(arrives(8129));
}

TEST_CASE("past 2^60 messages either side renews the session, and goes on sending meanwhile") {
    for (const bool clients : {true, false}) {
        Tunnel tunnel;
        REQUIRE(tunnel.connect());
        tunnel.wire.run_for(10s);
        Node& node = clients ? *tunnel.client : *tunnel.server;
        const PeerId peer = clients ? tunnel.server_id : tunnel.client_id;
        const SessionPtr old = node.peer(peer).keyring().current();
        old->skip_counters_to((std::uint64_t{1} << 60U) - 1);
        const auto send = [&](std::uint64_t number) {
            return clients ? tunnel.client_sends(number) : tunnel.server_sends(number);
        };
        CHECK(std::holds_alternative<tun::Sealed>(send(1)));
        tunnel.wire.run_for(1s);
        CHECK(node.peer(peer).keyring().current() == old);
        CHECK(std::holds_alternative<tun::Sealed>(send(2)));
        tunnel.wire.run_for(1s);
        CHECK(node.peer(peer).keyring().current() != old);
        CHECK(std::holds_alternative<tun::Sealed>(send(3)));
        tunnel.wire.run_for(1s);
        CHECK((clients ? tunnel.server_received() : tunnel.client_received()) == std::vector<std::uint64_t>{1, 2, 3});
    }
}

TEST_CASE("a renewal that was given up is asked for again by the next packet") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(10s);
    const SessionPtr old = tunnel.client->peer(tunnel.server_id).keyring().current();
    old->skip_counters_to((std::uint64_t{1} << 60U) + 1);
    tunnel.wire.lose_if([](const Seen& seen) { return kind_of(seen.bytes) == 1; });
    tunnel.client_sends(1);
    tunnel.wire.run_for(98s);
    CHECK(tunnel.client->events(EventKind::gave_up) == 1);
    tunnel.wire.lose_if({});
    tunnel.client_sends(2); // at an age of less than 120 seconds: for the number of messages
    tunnel.wire.run_for(1s);
    CHECK(tunnel.client->peer(tunnel.server_id).keyring().current() != old);
}

TEST_CASE("at the very last counter sending stops, and the packet waits for a new session") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(10s);
    const SessionPtr old = tunnel.client->peer(tunnel.server_id).keyring().current();
    tunnel.wire.lose_if([](const Seen& seen) { return kind_of(seen.bytes) == 1; }); // no renewal for now
    old->skip_counters_to(reject_after - 1);
    CHECK(std::holds_alternative<tun::Sealed>(tunnel.client_sends(1)));
    CHECK(std::holds_alternative<tun::Staged>(tunnel.client_sends(2)));
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{1});
    tunnel.wire.lose_if({});
    tunnel.wire.run_for(6s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{2});
    CHECK(tunnel.client->peer(tunnel.server_id).keyring().current() != old);
}

TEST_CASE("a counter from 2^64 - 2^13 - 1 on is refused, authentic as it may be") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    Session& session = current(*tunnel.client, tunnel.server_id);
    const ByteVector inner = letter(tunnel.client_ip, tunnel.server_ip, 0);
    for (const std::uint64_t counter : {reject_after, reject_after + 1, UINT64_MAX}) {
        ByteVector datagram(inner.size() + numbers().overhead);
        session.keys().seal(session.remote(), counter, inner, datagram);
        tunnel.wire.inject(datagram, tunnel.home, tunnel.site);
    }
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_received().empty());
    CHECK(tunnel.server->drops(Drop::expired) == 3);
    ByteVector datagram(inner.size() + numbers().overhead);
    session.keys().seal(session.remote(), reject_after - 1, inner, datagram);
    tunnel.wire.inject(datagram, tunnel.home, tunnel.site);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{0});
}

TEST_CASE("datagrams of every length and random content change nothing and are counted") {
    Tunnel tunnel;
    REQUIRE(tunnel.connect());
    tunnel.wire.run_for(20s);
    const auto deadline = tunnel.server->wakes_at();
    SeededRandom random(6);
    std::uint64_t sent = 0;
    const auto counted = [&] {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < drop_reasons; ++i) sum += tunnel.server->drops(static_cast<Drop>(i));
        return sum;
    };
    const auto before = counted();
    for (std::size_t size = 0; size < 2000; ++size) {
        for (int type = 0; type < 8; ++type) {
            ByteVector bytes = random.bytes(size);
            if (size > 0) bytes[0] = static_cast<std::byte>(type);
            if (size > 3) bytes[1] = bytes[2] = bytes[3] = std::byte{0};
            tunnel.server->receive(bytes, {endpoint("203.0.113.66:6666"), {}});
            ++sent;
        }
    }
    tunnel.server->receive(random.bytes(65'507), {endpoint("203.0.113.66:6666"), {}});
    CHECK(counted() - before == sent + 1);
    CHECK(tunnel.server->take_delivered().empty());
    CHECK(tunnel.server->wakes_at() == deadline);
    CHECK(tunnel.server->where(tunnel.client_id) == tunnel.home);
    tunnel.client_sends(1);
    tunnel.wire.run_for(1s);
    CHECK(tunnel.server_received() == std::vector<std::uint64_t>{1});
}
