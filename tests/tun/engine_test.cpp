// Engines on real TUN devices and sockets, their data threads and all. Run under ThreadSanitizer too.
#include "tests/tun/engine_machines.hpp"

using namespace vpn;
using namespace vpn::test;

namespace {

/// A machine in the middle with several peers, and a flow each way with each of them.
struct Star {
    static constexpr unsigned spokes_count = 4;

    explicit Star(tun::HandOver hand_over) : hub(loop, wire, 1, {.hand_over = hand_over}) {
        for (unsigned i = 0; i < spokes_count; ++i) {
            Machine& spoke = spokes.emplace_back(loop, wire, 2 + i, Make{.hand_over = hand_over});
            const Terms terms{i % 2 == 0 ? protocol::Suite::hybrid : protocol::Suite::wireguard};
            to_spokes.push_back(hub.meet(spoke, true, terms));
            to_hub.push_back(spoke.meet(hub, false, terms));
            flows.push_back({hub, spoke});
            flows.push_back({spoke, hub, static_cast<std::uint16_t>(far_port + i)});
        }
    }
    void connect() {
        for (unsigned i = 0; i < spokes_count; ++i) {
            hub.engine().want_handshake(to_spokes[i]);
            while (!hub.engine().peer(to_spokes[i])->can_send || !spokes[i].engine().peer(to_hub[i])->can_send)
                loop.run_one_for(100ms);
        }
    }

    boost::asio::io_context loop;
    NetNamespace wire;
    Machine hub;
    std::deque<Machine> spokes;
    std::vector<protocol::PeerId> to_spokes;
    std::vector<protocol::PeerId> to_hub;
    std::vector<Flow> flows;
};

/// How many receives, of up to 64 datagrams each, found no room in the queues of that network's IPv4 sockets.
int overflows(const NetNamespace& net) {
    const Inside inside(net);
    return std::stoi(shell("awk '/^Udp: [0-9]/ {print $6}' /proc/net/snmp"));
}

/// Jobs of one direction that are under way reach over no more datagrams than a window does. What was lost between them in an
/// overflowing queue comes on top of that, and then a job that a thread is slow to open may be too old: of these at least.
constexpr int overflows_that_outrun = (8192 - 64 - 6 * (512 + 256)) / 64;

constexpr std::uint64_t packets = 60'000;
constexpr std::uint64_t packets_of_many = 20'000;
constexpr Amount some_arrive{packets, packets / 100 + 1};
constexpr Amount perhaps_none_arrive{packets};

/// Packets in their order, at full speed, with offloads and without.
void check_order(std::size_t threads_each_way) {
    for (const bool offloads : {true, false}) {
        CAPTURE(offloads);
        Pair pair({.offloads = offloads, .threads_each_way = threads_each_way});
        for (const Arrived& flow : pair.exchange(some_arrive, [] {})) {
            CHECK(flow.count > packets / 100);
            CHECK(flow.out_of_order == 0);
        }
    }
}

} // namespace

TEST_CASE("packets of a flow arrive in their order at full speed, on many threads, with offloads and without") { check_order(4); }

TEST_CASE("packets of a flow arrive in their order at full speed, on one thread each way") { check_order(1); }

TEST_CASE("packets of a flow arrive in their order at full speed, on many threads that share one CPU") {
    const OnOneCpu pinned;
    check_order(4);
}

TEST_CASE("flows of several peers arrive each in its order, however threads share them, while sessions are renewed") {
    for (const tun::HandOver hand_over : {tun::HandOver::always, tun::HandOver::where_it_pays}) {
        CAPTURE(static_cast<int>(hand_over));
        Star star(hand_over);
        star.connect();
        std::uint64_t turns = 0;
        const auto flows = exchange(star.loop, star.flows, {packets_of_many, packets_of_many / 100 + 1}, [&] {
            if (++turns % 10 == 0) star.hub.engine().want_handshake(star.to_spokes[turns / 10 % Star::spokes_count]);
        });
        std::uint64_t arrived = 0;
        for (const Arrived& flow : flows) {
            arrived += flow.count;
            CHECK(flow.count > 0); // one may have had little of what there was
            CHECK(flow.out_of_order == 0);
        }
        CHECK(arrived > flows.size() * packets_of_many / 100);
        CHECK(star.hub.engine().drops().of(protocol::Drop::bad_tag) == 0);
        std::uint64_t replayed = star.hub.engine().drops().of(protocol::Drop::replayed);
        for (Machine& spoke : star.spokes) replayed += spoke.engine().drops().of(protocol::Drop::replayed);
        CHECK((replayed == 0 || overflows(star.wire) >= overflows_that_outrun));
    }
}

TEST_CASE("a flow goes on while peers come and go, sessions are renewed, and statistics are read") {
    Pair pair;
    support::SeededRandom random(3);
    std::vector<protocol::PeerId> others;
    std::uint64_t turns = 0;
    const auto flows = pair.exchange(some_arrive, [&] {
        protocol::PeerConfig other;
        other.public_key = crypto::public_key_of(crypto::generate_private_key(random));
        other.allowed_ips.push_back(*Prefix::parse("10.10." + std::to_string(turns % 200) + ".0/24"));
        others.push_back(pair.a.engine().set_peer(std::move(other)).value());
        if (others.size() > 20) {
            pair.a.engine().remove_peer(others.front());
            others.erase(others.begin());
        }
        if (++turns % 20 == 0) pair.a.engine().want_handshake(pair.to_b);
        CHECK(pair.a.engine().peers().size() == others.size() + 1);
        (void)pair.b.engine().drops();
    });
    for (const Arrived& flow : flows) {
        CHECK(flow.count > packets / 100);
        CHECK(flow.out_of_order == 0);
    }
    CHECK(pair.a.engine().drops().of(protocol::Drop::bad_tag) == 0);
    CHECK(pair.b.engine().drops().of(protocol::Drop::bad_tag) == 0);
}

TEST_CASE("a peer that carries a flow is removed, and comes back") {
    Pair pair;
    std::uint64_t turns = 0;
    const auto flows = pair.exchange(perhaps_none_arrive, [&] {
        ++turns;
        if (turns % 10 == 5) pair.a.engine().remove_peer(pair.to_b);
        if (turns % 10 == 8) {
            pair.to_b = pair.a.meet(pair.b, true);
            pair.a.engine().want_handshake(pair.to_b);
        }
    });
    for (const Arrived& flow : flows) CHECK(flow.out_of_order == 0);
    CHECK(turns > 10);
}

TEST_CASE("two hosts behind one peer get their flows each in its order while the peer comes and goes") {
    Pair pair;
    const Terms site{.behind = {*Prefix::parse("10.9.0.3/32")}};
    pair.a.engine().remove_peer(pair.to_b);
    pair.to_b = pair.a.meet(pair.b, true, site);
    {
        const Inside inside(pair.b.net());
        REQUIRE(shell("ip address add 10.9.0.3/24 dev vpn0") == "");
    }
    pair.connect();
    std::uint64_t turns = 0;
    const std::uint16_t other_port = far_port + 1;
    const auto flows = exchange(pair.loop, {{pair.a, pair.b}, {pair.a, pair.b, other_port, 3}}, {packets, 1}, [&] {
        ++turns;
        if (turns % 10 == 5) pair.a.engine().remove_peer(pair.to_b);
        if (turns % 10 == 8) {
            pair.to_b = pair.a.meet(pair.b, true, site);
            pair.a.engine().want_handshake(pair.to_b);
        }
    });
    for (const Arrived& flow : flows) CHECK(flow.out_of_order == 0);
    CHECK(flows[0].count > 0);
    CHECK(flows[1].count > 0);
    CHECK(turns > 10);
}

TEST_CASE("the outer sockets change under load, no session ends, and nothing is mixed up") {
    Pair pair;
    const auto sessions = [&] { return pair.a.observer.handshakes + pair.b.observer.handshakes; };
    std::uint64_t turns = 0;
    std::uint64_t changes = 0;
    const auto received = [&](bool by_a) {
        return by_a ? pair.a.engine().peer(pair.to_b)->received : pair.b.engine().peer(pair.to_a)->received;
    };
    ByteCount heard;
    // Who moved has something to say, also where its flow is over.
    const auto say = [](const Machine& from, const Machine& to) {
        const Place place = Machine::at(Family::v4, to.number(), far_port + 2);
        const std::byte word{};
        ::sendto(from.socket(Family::v4, 0).get(), &word, sizeof word, 0, place.get(), place.size);
    };
    int first = 0;
    const auto move_now_and_then = [&] {
        if (turns++ == 0) first = sessions();
        say(pair.a, pair.b);
        say(pair.b, pair.a);
        // Two that both move before either heard from the other have lost each other, and no session helps.
        if (turns % 20 != 0 || (changes > 0 && received(changes % 2 == 0) == heard)) return;
        auto sockets = [&] {
            const Inside inside(pair.wire);
            return std::move(tun::Sockets::open(Port{}, Mark{}).value());
        }();
        const Port port = sockets.port();
        Machine& machine = ++changes % 2 == 0 ? pair.a : pair.b;
        machine.engine().set_sockets(std::move(sockets));
        heard = received(changes % 2 == 0);
        CHECK(machine.engine().port() == port);
        CHECK(machine.engine().set_mark(Mark{static_cast<std::uint32_t>(changes)}));
    };
    pair.connect();
    // However few turns a machine takes for so many packets.
    while (changes <= 3) {
        for (const Arrived& flow : pair.carry(some_arrive, move_now_and_then)) {
            CHECK(flow.count > packets / 100);
            CHECK(flow.out_of_order == 0);
        }
    }
    CHECK(sessions() == first);
}

TEST_CASE("an interface that somebody removes under load is told of, and the engine ends") {
    Pair pair;
    bool removed = false;
    pair.exchange(perhaps_none_arrive, [&] {
        if (removed) return;
        const Inside inside(pair.b.net());
        shell("ip link delete vpn0");
        removed = true;
    });
    while (pair.b.observer.gone == 0) pair.loop.run_one_for(100ms);
    CHECK(pair.b.observer.gone > 0);
    CHECK(pair.a.observer.gone == 0);
}

TEST_CASE("an engine ends while packets run through it") {
    Pair pair;
    std::uint64_t turns = 0;
    pair.exchange(perhaps_none_arrive, [&] {
        if (++turns == 5) pair.b.end_engine();
    });
    CHECK(turns >= 5);
}
