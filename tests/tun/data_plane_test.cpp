// What the data plane does with a run of packets, by one thread: DATAPATH 3 and 4, PROTOCOL 2 (padding), RFC 6040.
#include "tests/tun/data_plane_side.hpp"
#include "tests/tun/offload/super_packet.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace vpn;
using namespace vpn::test;
using protocol::Drop;
using protocol::Notice;

namespace {

constexpr std::size_t header_size = 16; ///< of a data message
constexpr std::size_t stage_max = 128;
constexpr std::array suites{protocol::Suite::wireguard, protocol::Suite::hybrid};
constexpr std::array every_mark{Ecn::not_capable, Ecn::capable_0, Ecn::capable_1, Ecn::congested};

std::size_t tag_size(protocol::Suite suite) { return suite == protocol::Suite::wireguard ? 16 : 32; }

/// A packet of the given whole length from 1 to 2.
Packet packet_of(std::size_t size, bool v6 = false, Ecn mark = Ecn::not_capable) {
    Packet packet{.v6 = v6, .tcp = false, .traffic_class = static_cast<std::uint8_t>(0xb8U | static_cast<unsigned>(mark))};
    packet.payload = support::SeededRandom(size).bytes(size - payload_at(packet));
    return packet;
}

/// What the TUN device gave in one read, with scribble behind it.
class Read {
  public:
    explicit Read(const Packet& whole, std::size_t segment = 0)
        : header_(segment == 0 ? offload::VnetHeader{} : header_of(whole, segment)),
          bytes_(segment == 0 ? build(whole) : unfinished(whole)), size_(bytes_.size()) {
        bytes_.resize(size_ + offload::Splitter::tail_room, std::byte{0xee});
    }
    [[nodiscard]] offload::Splitter split() {
        return offload::Splitter::over(header_, MutableBytes(bytes_).first(size_)).value();
    }

  private:
    offload::VnetHeader header_;
    ByteVector bytes_;
    std::size_t size_;
};

std::vector<ByteVector> datagrams_of(const SendBuffer& buffer) {
    std::vector<ByteVector> all;
    for (const system::OutgoingDatagram& run : buffer.runs(Family::v4)) {
        const std::size_t each = run.segment_size == 0 ? run.bytes.size() : run.segment_size;
        for (Bytes rest = run.bytes; !rest.empty(); rest = rest.subspan(all.back().size())) {
            const Bytes datagram = rest.first(std::min(each, rest.size()));
            all.emplace_back(datagram.begin(), datagram.end());
        }
    }
    return all;
}

std::uint64_t counter_of(Bytes datagram) { return load_le<std::uint64_t>(datagram.data() + 8); }

/// Machine 1, where packets are sealed, and machine 2, where they are opened.
class Tunnel {
  public:
    explicit Tunnel(protocol::Suite suite = protocol::Suite::wireguard, bool connected = true)
        : sealing("10.66.0.2/32", to_b), opening("10.66.0.1/32", to_a), sealer(sealing.plane), opener(opening.plane),
          ends(make_sessions(sealing.id, opening.id, suite == protocol::Suite::wireguard ? 2 : 3, random_)) {
        own(sealing, "fd66::2/128");
        own(opening, "fd66::1/128");
        (void)sealing.plane.take_notices();
        if (connected) connect();
    }

    /// Gives what was staged, sealed, as it leaves.
    std::vector<std::pair<ByteVector, Ecn>> connect() {
        protocol::Outbox receive;
        receive.actions.emplace_back(protocol::InstallSession{ends.b});
        opening.carry_out(receive);
        protocol::Outbox send;
        send.actions.emplace_back(protocol::InstallSession{ends.a});
        send.actions.emplace_back(protocol::UseSession{sealing.id, ends.a});
        std::vector<std::pair<ByteVector, Ecn>> left;
        sealing.plane.carry_out(send, sealing.owners, start, [&](Bytes datagram, const Path&, Ecn ecn) {
            left.emplace_back(ByteVector(datagram.begin(), datagram.end()), ecn);
        });
        return left;
    }

    /// Seals all of it into a buffer of just the room that was asked for.
    SendBuffer seal(Read read) {
        auto packets = read.split();
        SendBuffer out(DataPlane::Worker::room_for(packets));
        const auto guard = sealer.enter();
        SealBatch batch = sealer.begin_batch();
        CHECK(std::holds_alternative<Sealed>(sealer.seal(batch, packets, out, start + 1s)));
        return out;
    }
    /// What arrives; nothing if it was dropped.
    ByteVector open(ByteVector datagram, Ecn marked = Ecn::not_capable) {
        const auto guard = opener.enter();
        const Incoming incoming = opener.open(datagram, to_a, marked, start + 1s);
        const auto* packet = std::get_if<Deliver>(&incoming);
        return packet == nullptr ? ByteVector() : ByteVector(packet->packet.begin(), packet->packet.end());
    }

  private:
    static void own(Side& side, std::string_view prefix) {
        side.owners.assign(*Prefix::parse(prefix), side.id);
        protocol::Outbox out;
        out.routes_changed = true;
        side.carry_out(out);
    }
    support::SeededRandom random_{1};

  public:
    Side sealing;
    Side opening;
    DataPlane::Worker sealer;
    DataPlane::Worker opener;
    Ends ends;
};

bool header_is_right(Bytes packet) { return (packet[0] >> 4) == std::byte{6} || plain_sum(packet.first(20)) == 0xffff; }

} // namespace

TEST_CASE("a super-packet arrives as the packets that a sender without offloads would have sent, under one run of counters") {
    for (const auto suite : suites) {
        for (const bool v6 : {false, true}) {
            for (const bool tcp : {false, true}) {
                CAPTURE(v6);
                CAPTURE(tcp);
                Tunnel tunnel(suite);
                std::uint64_t expected_counter = 0;
                for (const std::size_t count : {2UL, 20UL, 45UL}) {
                    Packet whole{.v6 = v6, .tcp = tcp};
                    whole.payload = support::SeededRandom(count).bytes(count * 1350 - 7);
                    const auto originals = one_at_a_time(whole, 1350);
                    const auto datagrams = datagrams_of(tunnel.seal(Read(whole, 1350)));
                    REQUIRE(datagrams.size() == count);
                    for (std::size_t i = 0; i < count; ++i) {
                        CHECK(counter_of(datagrams[i]) == expected_counter++);
                        CHECK(tunnel.open(datagrams[i]) == originals[i]);
                    }
                }
            }
        }
    }
}

TEST_CASE("a super-packet touches its peer's timers once, and counts every byte of what leaves") {
    Tunnel tunnel;
    Packet whole{};
    whole.payload = support::SeededRandom(1).bytes(30 * 1000);
    std::size_t bytes = 0;
    for (const ByteVector& datagram : datagrams_of(tunnel.seal(Read(whole, 1000)))) bytes += datagram.size();
    const protocol::Activity& activity = *tunnel.sealing.activity;
    CHECK(activity.sent_bytes().value == bytes);
    CHECK(activity.last_sent() == start + 1s);
    CHECK(activity.unanswered_since() == start + 1s);
    const auto notices = tunnel.sealing.plane.take_notices();
    REQUIRE(notices.size() == 1);
    CHECK(notices[0].notice == Notice::armed);
    (void)tunnel.seal(Read(whole, 1000));
    CHECK(tunnel.sealing.plane.take_notices().empty());
}

TEST_CASE("a sealed datagram bears the mark of its packet, alone and in a run") {
    for (const bool v6 : {false, true}) {
        for (const Ecn mark : every_mark) {
            Tunnel tunnel;
            Packet whole = packet_of(9000, v6, mark);
            for (const std::size_t segment : {0UL, 1000UL}) {
                const SendBuffer out = tunnel.seal(Read(whole, segment));
                const auto runs = out.runs(Family::v4);
                REQUIRE(runs.size() == 1);
                CHECK(runs[0].ecn == mark);
                CHECK(runs[0].count() == (segment == 0 ? 1 : (whole.payload.size() + segment - 1) / segment));
            }
        }
    }
}

TEST_CASE("an opened packet has the mark that its outer one met on the way (RFC 6040, figure 4)") {
    constexpr Ecn dropped = Ecn::not_capable; // where the inner one is not
    struct Row {
        Ecn inner;
        std::array<Ecn, 4> outgoing; ///< by outer: not capable, capable 0, capable 1, congested
    };
    constexpr std::array figure{
        Row{Ecn::not_capable, {Ecn::not_capable, Ecn::not_capable, Ecn::not_capable, dropped}},
        Row{Ecn::capable_0, {Ecn::capable_0, Ecn::capable_0, Ecn::capable_1, Ecn::congested}},
        Row{Ecn::capable_1, {Ecn::capable_1, Ecn::capable_1, Ecn::capable_1, Ecn::congested}},
        Row{Ecn::congested, {Ecn::congested, Ecn::congested, Ecn::congested, Ecn::congested}},
    };
    for (const bool v6 : {false, true}) {
        for (const Row& row : figure) {
            for (std::size_t i = 0; i < every_mark.size(); ++i) {
                CAPTURE(static_cast<int>(row.inner));
                CAPTURE(static_cast<int>(every_mark.at(i)));
                Tunnel tunnel;
                Packet packet = packet_of(200, v6, row.inner);
                const ByteVector arrived = tunnel.open(datagrams_of(tunnel.seal(Read(packet)))[0], every_mark.at(i));
                const bool congested = row.inner == Ecn::not_capable && every_mark.at(i) == Ecn::congested;
                CHECK(arrived.empty() == congested);
                CHECK(tunnel.opening.plane.drops().of(Drop::congested) == (congested ? 1 : 0));
                CHECK(tunnel.opening.activity->last_received() == start + 1s); // authentic all the same
                if (congested) continue;
                packet.traffic_class = static_cast<std::uint8_t>(0xb8U | static_cast<unsigned>(row.outgoing.at(i)));
                CHECK(arrived == build(packet));
                CHECK(header_is_right(arrived));
            }
        }
    }
}

TEST_CASE("a keepalive bears no mark and takes none") {
    Tunnel tunnel;
    protocol::Outbox out;
    out.actions.emplace_back(protocol::SendKeepalive{tunnel.sealing.id});
    std::vector<ByteVector> sent;
    tunnel.sealing.plane.carry_out(out, tunnel.sealing.owners, start + 1s, [&](Bytes datagram, const Path&, Ecn ecn) {
        CHECK(ecn == Ecn::not_capable);
        sent.emplace_back(datagram.begin(), datagram.end());
    });
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].size() == header_size + tag_size(protocol::Suite::wireguard));
    const auto guard = tunnel.opener.enter();
    CHECK(std::holds_alternative<Keepalive>(tunnel.opener.open(sent[0], to_a, Ecn::congested, start + 1s)));
    CHECK(tunnel.opening.plane.drops().of(Drop::congested) == 0);
}

TEST_CASE("padding goes to the next multiple of 16, with zeros, and never past the MTU") {
    for (const auto suite : suites) {
        for (const std::size_t limit : {1420UL, 1421UL, 1280UL}) {
            Tunnel tunnel(suite);
            tunnel.sealing.plane.set_mtu(limit);
            for (std::size_t size = 28; size <= limit + 40; size += size > 1200 ? 1 : 37) {
                CAPTURE(size);
                const Packet packet = packet_of(size);
                ByteVector datagram = datagrams_of(tunnel.seal(Read(packet))).at(0);
                const std::size_t multiple = (size + 15) / 16 * 16;
                const std::size_t padded = size >= limit ? size : std::min(multiple, limit);
                CHECK(datagram.size() == header_size + padded + tag_size(suite));
                const auto inner = tunnel.ends.b->keys().open({MutableBytes(datagram)});
                REQUIRE(inner);
                ByteVector expected = build(packet);
                expected.resize(padded);
                CHECK(std::equal(inner->begin(), inner->end(), expected.begin(), expected.end()));
            }
        }
    }
}

TEST_CASE("padding of one segment does not touch the next") {
    Tunnel tunnel;
    for (std::size_t segment = 1; segment < 40; ++segment) {
        Packet whole{};
        whole.payload = support::SeededRandom(segment).bytes(segment * 10 + segment / 2);
        const auto originals = one_at_a_time(whole, segment);
        const auto datagrams = datagrams_of(tunnel.seal(Read(whole, segment)));
        REQUIRE(datagrams.size() == originals.size());
        for (std::size_t i = 0; i < originals.size(); ++i) CHECK(tunnel.open(datagrams[i]) == originals[i]);
    }
}

TEST_CASE("what lies behind a packet's own length is not sealed with it") {
    Tunnel tunnel;
    const ByteVector packet = build(packet_of(100));
    ByteVector longer = packet;
    longer.resize(500, std::byte{0xaa});
    auto single = offload::Splitter::over({}, MutableBytes(longer).first(480)).value();
    SendBuffer out(DataPlane::Worker::room_for(single));
    const auto guard = tunnel.sealer.enter();
    SealBatch batch = tunnel.sealer.begin_batch();
    CHECK(std::holds_alternative<Sealed>(tunnel.sealer.seal(batch, single, out, start)));
    CHECK(datagrams_of(out)[0].size() == header_size + 112 + 16);
    CHECK(tunnel.open(datagrams_of(out)[0]) == packet);
}

TEST_CASE("a look ahead counts a run to one peer once, passes over strangers, and changes nothing") {
    for (const bool connected : {false, true}) {
        const Tunnel tunnel(protocol::Suite::hybrid, connected);
        const IpAddress known = *IpAddress::parse("10.66.0.2");
        const IpAddress stranger = *IpAddress::parse("10.77.0.9");
        const SealBatch batch = tunnel.sealer.begin_batch();
        CHECK(tunnel.sealer.expect(batch, {}) == 0);
        CHECK(tunnel.sealer.expect(batch, std::vector(200, known)) == 200);
        CHECK(tunnel.sealer.expect(batch, std::vector(200, stranger)) == 200);
        std::vector<IpAddress> mixed;
        for (std::size_t i = 0; i < 100; ++i) mixed.push_back(i % 2 == 0 ? known : stranger);
        CHECK(tunnel.sealer.expect(batch, mixed) == 2 * expected_at_once - 1);
        mixed.resize(expected_at_once);
        CHECK(tunnel.sealer.expect(batch, mixed) == expected_at_once);
    }
    Tunnel tunnel;
    const ByteVector datagram = datagrams_of(tunnel.seal(Read(packet_of(100)))).front();
    const ByteVector noise(1500, std::byte{0xff});
    {
        const auto guard = tunnel.opener.enter();
        CHECK(tunnel.opener.expect({}) == 0);
        CHECK(tunnel.opener.expect(std::vector<Bytes>{Bytes(datagram).first(3), {}, noise, datagram, datagram}) == 5);
        std::vector<Bytes> none(100, Bytes(noise));
        CHECK(tunnel.opener.expect(none) == 100);
    }
    CHECK_FALSE(tunnel.sealing.activity->last_received());
    CHECK(tunnel.opening.plane.take_notices().empty());
    for (const std::uint64_t each : tunnel.opening.plane.drops().counts) CHECK(each == 0);
    CHECK(tunnel.open(datagram) == build(packet_of(100))); // once: the window has not heard of it
    CHECK(tunnel.open(datagram).empty());
}

TEST_CASE("without a session nothing is sealed, staged, counted, told or taken from what was to be sealed") {
    enum class Lack { no_session, old_session, used_up };
    for (const Lack lack : {Lack::no_session, Lack::old_session, Lack::used_up}) {
        Tunnel tunnel(protocol::Suite::wireguard, lack != Lack::no_session);
        const Boot now = lack == Lack::old_session ? start + 180s : start + 1s;
        if (lack == Lack::used_up) tunnel.ends.a->skip_counters_to(UINT64_MAX - (std::uint64_t{1} << 13U) - 4);
        Packet whole{};
        whole.payload = support::SeededRandom(1).bytes(5 * 1000);
        Read read(whole, 1000);
        auto packets = read.split();
        SendBuffer out(10'000);
        const auto guard = tunnel.sealer.enter();
        SealBatch batch = tunnel.sealer.begin_batch();
        CHECK(std::holds_alternative<Unready>(tunnel.sealer.seal(batch, packets, out, now)));
        CHECK(out.empty());
        CHECK(out.runs(Family::v4).empty());
        CHECK(tunnel.sealing.plane.take_notices().empty());
        CHECK_FALSE(tunnel.sealing.activity->last_sent());
        for (const std::uint64_t each : tunnel.sealing.plane.drops().counts) CHECK(each == 0);
        CHECK(packets.count() == 5);
        for (const ByteVector& original : one_at_a_time(whole, 1000)) {
            const MutableBytes next = packets.next();
            CHECK(std::equal(next.begin(), next.end(), original.begin(), original.end()));
        }
    }
}

TEST_CASE("what waits for a session leaves in order, each with its own mark, before what comes after") {
    Tunnel tunnel(protocol::Suite::wireguard, false);
    std::vector<ByteVector> expected;
    std::vector<Ecn> marks;
    SendBuffer out(100'000);
    for (std::size_t i = 0; i < 12; ++i) {
        const Ecn mark = every_mark.at(i % 4);
        Packet whole = packet_of(200 + 997 * (i % 3), i % 2 == 1, mark);
        const std::size_t segment = i % 3 == 0 ? 0 : 400;
        for (ByteVector& each : one_at_a_time(whole, segment == 0 ? whole.payload.size() : segment)) {
            expected.push_back(std::move(each));
            marks.push_back(mark);
        }
        Read read(whole, segment);
        auto packets = read.split();
        const auto guard = tunnel.sealer.enter();
        REQUIRE(std::holds_alternative<Staged>(tunnel.sealer.seal_or_stage(packets, out, start)));
        const auto notices = tunnel.sealing.plane.take_notices();
        REQUIRE(notices.size() == 1);
        CHECK(notices[0].notice == Notice::wants_handshake);
    }
    CHECK(out.empty());
    const auto left = tunnel.connect();
    REQUIRE(left.size() == expected.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
        CHECK(counter_of(left[i].first) == i);
        CHECK(left[i].second == marks[i]);
        CHECK(tunnel.open(left[i].first) == expected[i]);
    }
    CHECK(counter_of(datagrams_of(tunnel.seal(Read(packet_of(100))))[0]) == left.size());
}

TEST_CASE("a peer that was once without a session stays so until the ordered stage: what comes later overtakes nothing") {
    Tunnel tunnel(protocol::Suite::wireguard, false);
    tunnel.sealing.owners.assign(*Prefix::parse("10.66.0.77/32"), PeerId{8});
    protocol::Outbox another;
    another.actions.emplace_back(protocol::AddPeer{PeerId{8}, std::make_shared<protocol::Activity>()});
    another.actions.emplace_back(protocol::SetPath{PeerId{8}, to_b});
    support::SeededRandom random(8);
    const Ends ends = make_sessions(PeerId{8}, PeerId{8}, 4, random);
    another.actions.emplace_back(protocol::InstallSession{ends.a});
    another.actions.emplace_back(protocol::UseSession{PeerId{8}, ends.a});
    another.routes_changed = true;
    tunnel.sealing.carry_out(another);

    SendBuffer out(100'000);
    const auto guard = tunnel.sealer.enter();
    SealBatch batch = tunnel.sealer.begin_batch();
    const auto seal = [&](std::uint8_t destination) {
        Packet packet = packet_of(100);
        packet.destination = destination;
        Read read(packet);
        auto packets = read.split();
        return tunnel.sealer.seal(batch, packets, out, start);
    };
    CHECK(std::holds_alternative<Unready>(seal(2)));
    CHECK(std::get<Sealed>(seal(77)).session == LocalIndex{4}); // nobody else waits for it
    tunnel.connect();
    CHECK(std::holds_alternative<Unready>(seal(2)));
    CHECK(std::get<Sealed>(seal(77)).session == LocalIndex{4});
    batch = tunnel.sealer.begin_batch();
    CHECK(std::get<Sealed>(seal(2)).session == tunnel.ends.a->local());
}

TEST_CASE("a batch sees one state of the routes: a peer that comes back in the middle of it is not ready before the next") {
    Tunnel tunnel(protocol::Suite::wireguard, false);
    SendBuffer out(100'000);
    const auto guard = tunnel.sealer.enter();
    SealBatch batch = tunnel.sealer.begin_batch();
    const auto seal = [&] {
        Read read(packet_of(100));
        auto packets = read.split();
        return tunnel.sealer.seal(batch, packets, out, start);
    };
    CHECK(std::holds_alternative<Unready>(seal()));
    protocol::Outbox again;
    again.actions.emplace_back(protocol::RemovePeer{tunnel.sealing.id});
    again.actions.emplace_back(protocol::AddPeer{tunnel.sealing.id, tunnel.sealing.activity});
    again.actions.emplace_back(protocol::SetPath{tunnel.sealing.id, to_b});
    again.routes_changed = true;
    tunnel.sealing.carry_out(again);
    tunnel.connect();
    CHECK(std::holds_alternative<Unready>(seal()));
    batch = tunnel.sealer.begin_batch();
    CHECK(std::holds_alternative<Sealed>(seal()));
}

TEST_CASE("what is sealed may leave for as long as its session is good, another one beside it or not") {
    Tunnel tunnel;
    const LocalIndex old = tunnel.ends.a->local();
    const auto is_good = [&](LocalIndex session, Boot now) {
        const auto guard = tunnel.sealer.enter();
        return tunnel.sealer.is_good(session, now);
    };
    CHECK(is_good(old, start));
    CHECK(is_good(old, start + 180s - 1ns));
    CHECK_FALSE(is_good(old, start + 180s));

    support::SeededRandom random(2);
    const Ends renewed = make_sessions(tunnel.sealing.id, tunnel.opening.id, 6, random);
    protocol::Outbox renew;
    renew.actions.emplace_back(protocol::InstallSession{renewed.a});
    renew.actions.emplace_back(protocol::UseSession{tunnel.sealing.id, renewed.a});
    tunnel.sealing.carry_out(renew);
    CHECK(is_good(old, start));
    CHECK(is_good(LocalIndex{6}, start));
    protocol::Outbox retire;
    retire.actions.emplace_back(protocol::RetireSession{tunnel.ends.a});
    tunnel.sealing.carry_out(retire);
    CHECK_FALSE(is_good(old, start));
    CHECK(is_good(LocalIndex{6}, start));
}

TEST_CASE("the oldest of what waits gives way, and is counted") {
    Tunnel tunnel(protocol::Suite::wireguard, false);
    SendBuffer out(100);
    std::vector<ByteVector> all;
    for (std::size_t run = 0; run < 5; ++run) {
        Packet whole{};
        whole.payload = support::SeededRandom(run).bytes(40 * 500);
        for (ByteVector& each : one_at_a_time(whole, 500)) all.push_back(std::move(each));
        Read read(whole, 500);
        auto packets = read.split();
        const auto guard = tunnel.sealer.enter();
        CHECK(std::holds_alternative<Staged>(tunnel.sealer.seal_or_stage(packets, out, start)));
    }
    CHECK(tunnel.sealing.plane.drops().of(Drop::stage_full) == all.size() - stage_max);
    const auto left = tunnel.connect();
    REQUIRE(left.size() == stage_max);
    for (std::size_t i = 0; i < stage_max; ++i) CHECK(tunnel.open(left[i].first) == all[all.size() - stage_max + i]);
}

TEST_CASE("a run that goes nowhere is dropped for one reason, once, whichever way it is sealed") {
    Tunnel tunnel;
    SendBuffer out(100'000);
    const auto drop_of = [&](const Packet& whole, std::size_t segment) {
        Read read(whole, segment);
        auto packets = read.split();
        const auto guard = tunnel.sealer.enter();
        SealBatch batch = tunnel.sealer.begin_batch();
        const Outgoing outgoing = tunnel.sealer.seal(batch, packets, out, start);
        REQUIRE(std::holds_alternative<Drop>(outgoing));
        return std::get<Drop>(outgoing);
    };
    Packet elsewhere = packet_of(5000);
    elsewhere.destination = 77;
    CHECK(drop_of(elsewhere, 0) == Drop::no_route);
    CHECK(drop_of(elsewhere, 1000) == Drop::no_route);
    CHECK(tunnel.sealing.plane.drops().of(Drop::no_route) == 2);
    CHECK(out.empty());

    tunnel.sealing.owners.assign(*Prefix::parse("10.66.0.77/32"), PeerId{8});
    protocol::Outbox stranger;
    const auto activity = std::make_shared<protocol::Activity>();
    stranger.actions.emplace_back(protocol::AddPeer{PeerId{8}, activity});
    stranger.routes_changed = true;
    tunnel.sealing.carry_out(stranger);
    CHECK(drop_of(elsewhere, 1000) == Drop::no_endpoint);
    CHECK(tunnel.sealing.plane.drops().of(Drop::no_endpoint) == 1);
    CHECK(activity->drops().of(Drop::no_endpoint) == 1);
    CHECK(activity->drops().of(Drop::no_route) == 0); // nobody's

    ByteVector nonsense(64, std::byte{0});
    auto packets = offload::Splitter::over({}, MutableBytes(nonsense).first(40)).value();
    const auto guard = tunnel.sealer.enter();
    CHECK(std::get<Drop>(tunnel.sealer.seal_or_stage(packets, out, start)) == Drop::not_ip);
    CHECK(tunnel.sealing.plane.drops().of(Drop::not_ip) == 1);
}
