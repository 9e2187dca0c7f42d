// THREATS: memory runs out. What the data plane can't do for want of it, it leaves whole: packets are lost, nothing else.
#include "tests/support/failing_new.hpp"
#include "tests/support/party.hpp"
#include "tests/tun/data_plane_side.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::test;
using protocol::Drop;
using protocol::Notice;
using support::FailingNew;
using support::for_each_allocation;

namespace {

void open_one(DataPlane::Worker& worker, MutableBytes datagram, const Path& from) {
    const auto guard = worker.enter();
    CHECK(std::holds_alternative<Deliver>(worker.open(datagram, from, Ecn::not_capable, start)));
}

Outgoing stage(DataPlane::Worker& worker, std::uint64_t number) {
    ByteVector packet = numbered_packet(number);
    SendBuffer out(2000);
    auto single = offload::Splitter::over({}, MutableBytes(packet).first(64));
    const auto guard = worker.enter();
    return worker.seal_or_stage(*single, out, start);
}

/// What begins a session, and changes the rest by the way.
protocol::Outbox beginning(PeerId peer, const SessionPtr& session) {
    protocol::Outbox out;
    out.actions.emplace_back(protocol::AddPeer{PeerId{8}, std::make_shared<protocol::Activity>()});
    out.actions.emplace_back(protocol::SetPath{peer, to_a});
    out.actions.emplace_back(protocol::SetPath{peer, to_b});
    out.actions.emplace_back(protocol::InstallSession{session});
    out.actions.emplace_back(protocol::UseSession{peer, session, true});
    out.routes_changed = true;
    return out;
}

} // namespace

TEST_CASE(
    "whichever allocation fails while decisions are carried out, the next session carries packets, and all goes in the end") {
    std::size_t failures = 0;
    for_each_allocation([&](std::size_t number, bool for_good) {
        CAPTURE(number);
        CAPTURE(for_good);
        support::SeededRandom random(number);
        Side a("10.0.0.2/32", to_b);
        Side b("10.0.0.1/32", to_a);
        DataPlane::Worker from(a.plane);
        DataPlane::Worker to(b.plane);
        REQUIRE(std::holds_alternative<Staged>(stage(from, 1)));
        const Ends first = make_sessions(a.id, b.id, 4, random);
        const Ends second = make_sessions(a.id, b.id, 2048, random); // in another chunk of the table
        const protocol::Outbox begun = beginning(a.id, first.a);
        bool failed = false;
        {
            const FailingNew failing(number, for_good);
            a.carry_out(begun);
            failed = failing.failed();
        }
        // The wake that routes are published by, if they were not.
        if (a.plane.needs_another_turn()) a.carry_out({});
        protocol::Outbox next = beginning(a.id, second.a);
        next.actions.emplace_back(protocol::RetireSession{first.a});
        a.carry_out(next);
        protocol::Outbox theirs;
        theirs.actions.emplace_back(protocol::InstallSession{second.b});
        b.carry_out(theirs);

        ByteVector packet = numbered_packet(2);
        SendBuffer out(2000);
        std::optional<MutableBytes> datagram;
        {
            const auto guard = from.enter();
            datagram = seal_one(from, packet, out, start);
        }
        REQUIRE(datagram);
        open_one(to, *datagram, to_a);
        CHECK(a.plane.staged_packets() == 0);

        protocol::Outbox end;
        end.actions.emplace_back(protocol::RetireSession{second.a});
        end.actions.emplace_back(protocol::RemovePeer{a.id});
        a.owners.remove_all(a.id);
        end.routes_changed = true;
        a.carry_out(end);
        static_cast<void>(a.plane.take_notices());
        static_cast<void>(a.plane.take_notices());
        CHECK_FALSE(a.plane.needs_another_turn());
        CHECK(first.a.use_count() == 1 + 3); // ours, and the outboxes' three
        return failed && ++failures != 0;
    });
    CHECK(failures > 10);
}

TEST_CASE("a packet that can't be kept for want of memory is counted, and those behind it are kept") {
    Side a("10.0.0.2/32", to_b);
    DataPlane::Worker worker(a.plane);
    std::size_t lost = 0;
    for (const std::size_t number : {1U, 2U}) { // a list's node, and the bytes
        ByteVector packet = numbered_packet(number);
        SendBuffer out(2000);
        auto single = offload::Splitter::over({}, MutableBytes(packet).first(64));
        const auto guard = worker.enter();
        const FailingNew failing(number);
        CHECK(std::holds_alternative<Staged>(worker.seal_or_stage(*single, out, start)));
        REQUIRE(failing.failed());
        ++lost;
    }
    REQUIRE(std::holds_alternative<Staged>(stage(worker, 3)));
    CHECK(a.plane.staged_packets() == 1);
    CHECK(a.plane.drops().of(Drop::no_memory) == lost);
    CHECK(a.activity->drops().of(Drop::no_memory) == lost);
}

TEST_CASE("notices that can't be taken for want of memory are taken the next time") {
    Side a("10.0.0.2/32", to_b);
    DataPlane::Worker worker(a.plane);
    REQUIRE(std::holds_alternative<Staged>(stage(worker, 1)));
    {
        const FailingNew failing(1);
        CHECK_THROWS_AS(static_cast<void>(a.plane.take_notices()), std::bad_alloc);
    }
    const auto notices = a.plane.take_notices();
    REQUIRE(notices.size() == 1);
    CHECK(notices[0].peer == a.id);
    CHECK(has(notices[0].notice, Notice::wants_handshake));
    CHECK(a.plane.take_notices().empty());
}

TEST_CASE(
    "what the conversation allocates for a message, or for a peer whose time has come, is little: a turn's worth is at hand") {
    constexpr std::size_t little = 16384; // a careful turn takes 36 of them at most, from a megabyte
    using support::Couple;
    Couple couple;
    const auto cost = [](auto run) {
        const std::size_t before = support::bytes_allocated();
        run();
        return support::bytes_allocated() - before;
    };
    CHECK(cost([&] { couple.alice.want_handshake(couple.bob_id); }) < little);
    couple.clock.advance(6s);
    CHECK(cost([&] { couple.alice.handle_time(); }) < little);
    const ByteVector initiation = couple.alice.datagram();
    const std::size_t to_answer = cost([&] { REQUIRE(couple.bob.take(initiation, Couple::at_alice)); });
    CHECK(to_answer > 200); // it counts
    CHECK(to_answer < little);
    const ByteVector response = couple.bob.datagram();
    CHECK(cost([&] { REQUIRE(couple.alice.take(response, Couple::at_bob)); }) < little);
    CHECK(cost([&] { couple.bob.confirm(couple.alice_id); }) < little);
    CHECK(couple.bob.can_send(couple.alice_id));
}
