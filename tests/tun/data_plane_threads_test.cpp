// The data plane under several threads at once. Run under ThreadSanitizer too.
#include "tests/tun/data_plane_side.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

using namespace vpn;
using namespace vpn::test;

namespace {

TEST_CASE(
    "packets go through from several threads while sessions, routes and paths are replaced, each at most once and none changed") {
    Side a("10.0.0.2/32", to_b);
    Side b("10.0.0.1/32", to_a);
    support::SeededRandom random(1);

    constexpr int senders = 2;
    constexpr std::uint64_t each = 6000;
    std::vector<std::atomic<int>> seen(senders * each);
    std::atomic<std::uint64_t> delivered{0};
    std::atomic<std::uint64_t> corrupted{0};
    std::atomic<int> running{senders};

    std::list<DataPlane::Worker> workers_a;
    std::list<DataPlane::Worker> workers_b;
    for (int i = 0; i < senders; ++i) {
        workers_a.emplace_back(a.plane);
        workers_b.emplace_back(b.plane);
    }

    std::uint32_t slot = 0;
    SessionPtr old_a;
    SessionPtr old_b;
    const auto rekey = [&] {
        const Ends fresh = make_sessions(a.id, b.id, slot++ % 1000, random);
        protocol::Outbox to_b_side;
        to_b_side.actions.emplace_back(protocol::InstallSession{fresh.b});
        b.carry_out(to_b_side); // the receiver knows it first, as after a handshake
        protocol::Outbox to_a_side;
        to_a_side.actions.emplace_back(protocol::InstallSession{fresh.a});
        to_a_side.actions.emplace_back(protocol::UseSession{a.id, fresh.a});
        if (old_a) to_a_side.actions.emplace_back(protocol::RetireSession{old_a});
        to_a_side.routes_changed = true;
        to_a_side.actions.emplace_back(protocol::SetPath{a.id, to_b});
        a.carry_out(to_a_side);
        if (old_b) {
            protocol::Outbox retire;
            retire.actions.emplace_back(protocol::RetireSession{old_b});
            b.carry_out(retire);
        }
        old_a = fresh.a;
        old_b = fresh.b;
        (void)a.plane.take_notices();
        (void)b.plane.take_notices();
    };
    rekey();

    std::vector<std::thread> threads;
    for (int t = 0; t < senders; ++t) {
        auto& sealing = *std::next(workers_a.begin(), t);
        auto& opening = *std::next(workers_b.begin(), t);
        threads.emplace_back([&, t] {
            SendBuffer out(2048);
            for (std::uint64_t i = 0; i < each; ++i) {
                const std::uint64_t number = static_cast<std::uint64_t>(t) * each + i;
                ByteVector packet = numbered_packet(number);
                const auto guard_a = sealing.enter();
                const auto sealed = seal_one(sealing, packet, out, start + 1s);
                if (!sealed) continue;
                const auto guard_b = opening.enter();
                const Incoming incoming = opening.open(*sealed, to_a, Ecn::not_capable, start + 1s);
                const auto* packet_out = std::get_if<Deliver>(&incoming);
                if (packet_out == nullptr) continue; // its session was retired in between
                if (packet_out->packet.size() != 64 || load_le<std::uint64_t>(packet_out->packet.data() + 56) != number)
                    ++corrupted;
                seen[number].fetch_add(1);
                delivered.fetch_add(1);
            }
            running.fetch_sub(1);
        });
    }
    while (running.load() > 0) rekey();
    for (std::thread& thread : threads) thread.join();

    CHECK(corrupted.load() == 0);
    CHECK(delivered.load() > 0);
    for (const auto& count : seen) CHECK(count.load() <= 1);
    const protocol::DropCounts drops = b.plane.drops();
    CHECK(drops.of(protocol::Drop::bad_tag) == 0);
    CHECK(drops.of(protocol::Drop::replayed) == 0);
    CHECK(delivered.load() + drops.of(protocol::Drop::unknown_session) == senders * each);
}

TEST_CASE("no packet is lost or reordered between staging and the first session, whoever is faster") {
    for (std::uint64_t round = 0; round < 200; ++round) {
        Side a("10.0.0.2/32", to_b);
        support::SeededRandom random(round);
        DataPlane::Worker worker(a.plane);
        std::mutex order_lock;
        std::vector<std::uint64_t> counters; // as they would leave
        const auto note = [&](Bytes datagram) {
            const std::lock_guard lock(order_lock);
            counters.push_back(load_le<std::uint64_t>(datagram.data() + 8));
        };
        constexpr std::uint64_t packets = 100;
        std::thread data([&] {
            SendBuffer out(2048);
            for (std::uint64_t i = 0; i < packets; ++i) {
                ByteVector packet = numbered_packet(i);
                const auto guard = worker.enter();
                if (const auto sealed = seal_one(worker, packet, out, start)) note(*sealed);
            }
        });
        const Ends fresh = make_sessions(a.id, a.id, 1, random);
        protocol::Outbox install;
        install.actions.emplace_back(protocol::InstallSession{fresh.a});
        install.actions.emplace_back(protocol::UseSession{a.id, fresh.a});
        a.plane.carry_out(install, a.owners, start, [&](Bytes datagram, const Path&, Ecn) { note(datagram); });
        data.join();
        REQUIRE(counters.size() == packets);
        for (std::uint64_t i = 0; i < packets; ++i) REQUIRE(counters[i] == i);
    }
}

TEST_CASE("activity is armed once, however many threads have something to owe") {
    for (int round = 0; round < 200; ++round) {
        protocol::Activity activity;
        std::atomic<int> armed{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 50; ++i)
                    if (has(activity.sent(true, start), protocol::Notice::armed)) armed.fetch_add(1);
            });
        for (std::thread& thread : threads) thread.join();
        CHECK(armed.load() == 1);
    }
}

TEST_CASE("a notice wakes control once until it is taken, and none is lost") {
    protocol::Outbox add;
    std::atomic<int> wakes{0};
    DataPlane plane(protocol::MacKeys({}), mtu, [&] { wakes.fetch_add(1); });
    protocol::AllowedIps owners;
    for (std::uint32_t i = 0; i < 50; ++i) {
        const PeerId id{i + 1};
        owners.assign(Prefix(*IpAddress::parse("10.0.0." + std::to_string(i + 1)), 32), id);
        add.actions.emplace_back(protocol::AddPeer{id, std::make_shared<protocol::Activity>()});
        add.actions.emplace_back(protocol::SetPath{id, to_b});
    }
    add.routes_changed = true;
    plane.carry_out(add, owners, start, [](Bytes, const Path&, Ecn) {});

    std::list<DataPlane::Worker> workers;
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        DataPlane::Worker& worker = workers.emplace_back(plane);
        threads.emplace_back([&worker] {
            SendBuffer out(2048);
            for (std::uint32_t i = 0; i < 50; ++i) {
                ByteVector packet = numbered_packet(i);
                packet[19] = static_cast<std::byte>(i + 1);
                const auto guard = worker.enter();
                CHECK_FALSE(seal_one(worker, packet, out, start));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<bool> noticed(51);
    const auto notices = plane.take_notices();
    for (const PeerNotice& notice : notices) {
        CHECK_FALSE(noticed[notice.peer.value]);
        noticed[notice.peer.value] = true;
        CHECK(has(notice.notice, protocol::Notice::wants_handshake));
    }
    CHECK(notices.size() == 50);
    CHECK(wakes.load() == 1);
    CHECK(plane.take_notices().empty());
}

} // namespace
