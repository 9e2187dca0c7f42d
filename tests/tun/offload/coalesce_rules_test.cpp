// Every flag, option and field that forbids merging, one at a time (DATAPATH 1, "Coalesce").
#include "tests/support/seeded_random.hpp"
#include "tests/tun/offload/train.hpp"

#include <doctest/doctest.h>

#include <array>
#include <functional>

using namespace vpn;
using namespace vpn::test;
using Sizes = std::vector<std::size_t>;

namespace {

/// Packets of one flow, 100 bytes each, adjacent.
Train train_of(std::size_t packets, bool v6, bool tcp) {
    Train train;
    Packet packet{.v6 = v6, .tcp = tcp};
    packet.fragment_bits = 0;
    packet.ip_options.assign(v6 ? 0 : 8, std::byte{1});
    packet.tcp_options.assign(tcp ? 12 : 0, std::byte{1});
    for (std::size_t i = 0; i < packets; ++i) {
        packet.payload = support::SeededRandom(i).bytes(100);
        train.push_back({packet, Damage::none});
        packet.sequence += 100;
        ++packet.id;
    }
    return train;
}

/// How many packets each write has. All else that must hold is checked along.
Sizes writes(const Train& train) {
    CHECK(complaint(train) == "");
    std::vector<ByteVector> batch;
    for (const Sent& sent : train) batch.push_back(sent.bytes());
    Sizes sizes;
    for (const Written& written : coalesce(batch)) sizes.push_back(written.packets);
    return sizes;
}

enum class Of { tcp, any, v4, v6, udp };

struct Change {
    const char* what;
    Of of;
    std::function<void(Sent&)> make;
};

bool concerns(Of of, bool v6, bool tcp) {
    return of == Of::any || (of == Of::tcp && tcp) || (of == Of::udp && !tcp) || (of == Of::v4 && !v6) || (of == Of::v6 && v6);
}

/// What parts one packet from those of its flow around it.
const std::vector<Change>& parting_changes() {
    static const std::vector<Change> changes{
        {"a lower TOS or class", Of::any, [](Sent& s) { s.packet.traffic_class ^= 0x20; }},
        {"congestion experienced", Of::any, [](Sent& s) { s.packet.traffic_class |= 3; }},
        {"another TTL", Of::any, [](Sent& s) { --s.packet.hop_limit; }},
        {"another flow label", Of::v6, [](Sent& s) { s.packet.flow_label = 1; }},
        {"the flow label's high bits", Of::v6, [](Sent& s) { s.packet.flow_label = 0x80000; }},
        {"DF", Of::v4, [](Sent& s) { s.packet.fragment_bits = dont_fragment; }},
        {"the reserved bit beside DF", Of::v4, [](Sent& s) { s.packet.fragment_bits = 0x8000; }},
        {"an id of its own", Of::v4, [](Sent& s) { s.packet.id += 100; }},
        {"the id of the packet before", Of::v4, [](Sent& s) { --s.packet.id; }},
        {"other IP options", Of::v4, [](Sent& s) { s.packet.ip_options[5] = std::byte{7}; }},
        {"fewer IP options", Of::v4, [](Sent& s) { s.packet.ip_options.resize(4); }},
        {"no IP options", Of::v4, [](Sent& s) { s.packet.ip_options.clear(); }},
        {"a fragment, the first", Of::v4, [](Sent& s) { s.packet.fragment_bits = more_fragments; }},
        {"a fragment, a later one", Of::v4, [](Sent& s) { s.packet.fragment_bits = 100; }},
        {"a wrong checksum", Of::any, [](Sent& s) { s.damage = Damage::transport_checksum; }},
        {"no checksum", Of::any, [](Sent& s) { s.damage = Damage::no_checksum; }},
        {"a wrong header checksum", Of::v4, [](Sent& s) { s.damage = Damage::header_checksum; }},
        {"no payload", Of::any, [](Sent& s) { s.packet.payload.clear(); }},
        {"a hole before it", Of::tcp, [](Sent& s) { s.packet.sequence += 1; }},
        {"the same bytes again", Of::tcp, [](Sent& s) { s.packet.sequence -= 100; }},
        {"a sequence number half the world away", Of::tcp, [](Sent& s) { s.packet.sequence ^= 0x80000000U; }},
        {"another ACK number", Of::tcp, [](Sent& s) { s.packet.acknowledgement += 1; }},
        {"an ACK number with other high bits", Of::tcp, [](Sent& s) { s.packet.acknowledgement ^= 0x80000000U; }},
        {"another window", Of::tcp, [](Sent& s) { s.packet.window ^= 1; }},
        {"an urgent pointer", Of::tcp, [](Sent& s) { s.packet.urgent = 1; }},
        {"a reserved bit, such as accurate ECN's", Of::tcp, [](Sent& s) { s.packet.reserved = 1; }},
        {"other TCP options, such as a timestamp", Of::tcp, [](Sent& s) { s.packet.tcp_options[11] = std::byte{7}; }},
        {"fewer TCP options", Of::tcp, [](Sent& s) { s.packet.tcp_options.resize(8); }},
        {"no TCP options", Of::tcp, [](Sent& s) { s.packet.tcp_options.clear(); }},
    };
    return changes;
}

template <class Body> void for_each_kind(Body body) {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true}) {
            CAPTURE(v6);
            CAPTURE(tcp);
            body(v6, tcp);
        }
}

} // namespace

TEST_CASE("adjacent packets of one flow become one") {
    for_each_kind([](bool v6, bool tcp) { CHECK(writes(train_of(9, v6, tcp)) == Sizes{9}); });
}

TEST_CASE("a packet that differs from the one before begins another write, and nothing behind it goes into the one before") {
    for_each_kind([](bool v6, bool tcp) {
        for (const Change& change : parting_changes()) {
            if (!concerns(change.of, v6, tcp)) continue;
            CAPTURE(std::string(change.what));
            Train train = train_of(4, v6, tcp);
            change.make(train[2]);
            const Sizes sizes = writes(train);
            CHECK(sizes.size() == 3);
            CHECK(sizes[0] == 2);
            // The one behind would fit the write that the different packet was kept out of: it must not overtake.
            Train tempting = train_of(4, v6, tcp);
            tempting[3] = tempting[2];
            change.make(tempting[2]);
            CHECK(writes(tempting)[0] == 2);
        }
    });
}

TEST_CASE("packets that all differ from the usual in the same way are merged, if only their kind allows it") {
    for_each_kind([](bool v6, bool tcp) {
        for (const Change& change : parting_changes()) {
            if (!concerns(change.of, v6, tcp)) continue;
            Train train = train_of(4, v6, tcp);
            for (Sent& sent : train) change.make(sent);
            const Packet& packet = train[0].packet;
            const bool never = train[0].damage != Damage::none || packet.payload.empty() || (packet.fragment_bits & 0x3fffU) != 0;
            CAPTURE(std::string(change.what));
            CHECK(writes(train) == (never ? Sizes{1, 1, 1, 1} : Sizes{4}));
        }
    });
}

TEST_CASE("of all flags only ACK and PSH are merged, and PSH is on the last packet of its write") {
    for (const bool v6 : {false, true})
        for (unsigned flags = 0; flags < 256; ++flags) {
            CAPTURE(flags);
            Train train = train_of(5, v6, true);
            train[2].packet.flags = static_cast<std::uint8_t>(flags);
            const Sizes sizes = writes(train);
            if (flags == ack)
                CHECK(sizes == Sizes{5});
            else if (flags == (ack | psh))
                CHECK(sizes == Sizes{3, 2});
            else
                CHECK(sizes == Sizes{2, 1, 2});
            for (Sent& sent : train) sent.packet.flags = static_cast<std::uint8_t>(flags);
            CHECK(writes(train) == (flags == ack ? Sizes{5} : Sizes{1, 1, 1, 1, 1}));
        }
}

TEST_CASE("a shorter packet is the last of its write, a longer one begins another") {
    for_each_kind([](bool v6, bool tcp) {
        for (std::size_t size = 1; size <= 200; ++size) {
            Train train = train_of(5, v6, tcp);
            train[2].packet.payload.resize(size);
            for (std::size_t i = 3; i < 5; ++i) train[i].packet.sequence += static_cast<std::uint32_t>(size) - 100;
            CAPTURE(size);
            const Sizes sizes = writes(train);
            if (size < 100) CHECK(sizes == Sizes{3, 2});
            if (size == 100) CHECK(sizes == Sizes{5});
            if (size > 100) CHECK(sizes == Sizes{2, 2, 1}); // the first behind it is shorter than it
        }
    });
}

TEST_CASE("ports, addresses, protocol and family tell flows apart, and their packets do not part each other") {
    const std::vector<std::function<void(Packet&)>> others{
        [](Packet& p) { ++p.source; },
        [](Packet& p) { ++p.destination; },
        [](Packet& p) { std::swap(p.source, p.destination); },
        [](Packet& p) { ++p.source_port; },
        [](Packet& p) { ++p.destination_port; },
        [](Packet& p) { p.tcp = !p.tcp; },
    };
    for_each_kind([&](bool v6, bool tcp) {
        for (std::size_t i = 0; i < others.size(); ++i) {
            Train train = train_of(4, v6, tcp);
            Packet other = train[2].packet;
            others[i](other);
            other.tcp_options.clear();
            train.insert(train.begin() + 2, {other, Damage::none});
            CAPTURE(i);
            CHECK(writes(train) == Sizes{4, 1});
        }
    });
}

TEST_CASE("packets that nobody may fragment need no ids in order") {
    for (const bool tcp : {false, true}) {
        Train train = train_of(5, false, tcp);
        for (std::size_t i = 0; i < 5; ++i) {
            train[i].packet.fragment_bits = dont_fragment;
            train[i].packet.id = static_cast<std::uint16_t>(i * i * 1000);
        }
        CHECK(writes(train) == Sizes{5});
    }
}

TEST_CASE("sequence numbers and ids go round past their largest") {
    for (std::uint32_t before_wrap = 0; before_wrap <= 500; before_wrap += 50) {
        Train train = train_of(5, false, true);
        for (std::size_t i = 0; i < 5; ++i) {
            train[i].packet.sequence -= before_wrap;
            train[i].packet.id = static_cast<std::uint16_t>(train[i].packet.id - before_wrap / 100);
        }
        CHECK(writes(train) == Sizes{5});
    }
}

TEST_CASE("nothing overtakes a packet between the same hosts whose flow cannot be seen") {
    for_each_kind([](bool v6, bool tcp) {
        const Train train = train_of(4, v6, tcp);
        std::vector<ByteVector> batch;
        for (const Sent& sent : train) batch.push_back(sent.bytes());
        const auto sizes = [&] {
            Sizes all;
            for (const Written& written : coalesce(batch)) all.push_back(written.packets);
            return all;
        };
        ByteVector veiled = batch[2];
        veiled[v6 ? 6 : 9] = v6 ? std::byte{44} : std::byte{51}; // a fragment header; an authentication header
        batch.insert(batch.begin() + 2, veiled);
        CHECK(sizes() == Sizes{2, 1, 2});
        batch[2][v6 ? 23 : 15] ^= std::byte{1}; // another source
        CHECK(sizes() == Sizes{4, 1});
    });
}

TEST_CASE("a batch leaves nothing behind for the next one") {
    Train train = train_of(4, false, true);
    std::vector<ByteVector> memory;
    for (const Sent& sent : train) memory.push_back(sent.bytes());
    offload::Coalescer coalescer({.tcp = true, .udp = true});
    coalescer.add(memory[0]);
    coalescer.add(memory[1]);
    coalescer.finish();
    CHECK(coalescer.size() == 1);
    coalescer.clear();
    CHECK(coalescer.size() == 0);
    coalescer.set_features({.tcp = false, .udp = false});
    coalescer.add(memory[2]);
    coalescer.add(memory[3]);
    coalescer.finish();
    CHECK(coalescer.size() == 2);
}

TEST_CASE("what was replayed once is replayed the same again, and has no header any more") {
    const Train train = train_of(3, false, false);
    std::vector<ByteVector> memory;
    for (const Sent& sent : train) memory.push_back(sent.bytes());
    const std::vector<ByteVector> originals = memory;
    offload::Coalescer coalescer({.tcp = true, .udp = true});
    for (ByteVector& packet : memory) coalescer.add(packet);
    coalescer.finish();
    for (int time = 0; time < 2; ++time) {
        std::vector<ByteVector> replayed;
        coalescer.for_each_packet(0, [&](Bytes packet) { replayed.emplace_back(packet.begin(), packet.end()); });
        CHECK(replayed == originals);
        CHECK(coalescer.header(0) == offload::VnetHeader{});
    }
}
