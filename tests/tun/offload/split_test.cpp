// Super-packets taken apart, against a reference that builds every packet one at a time from scratch (DATAPATH 1, "Split").
#include "tests/support/seeded_random.hpp"
#include "tests/tun/offload/super_packet.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::test;
using offload::VnetHeader;
using support::SeededRandom;
using Packets = std::vector<ByteVector>;

namespace {

Packet sample(bool v6, bool tcp, std::size_t payload, std::uint64_t seed = 1) {
    Packet packet{.v6 = v6, .tcp = tcp};
    packet.traffic_class = 0x2a;
    packet.flow_label = 0xabcde;
    packet.id = 1000;
    packet.sequence = 0x01020304;
    packet.flags = ack | psh;
    packet.payload = SeededRandom(seed).bytes(payload);
    return packet;
}

bool split_as_one_at_a_time(const Packet& whole, std::size_t segment) {
    const auto segments = split(header_of(whole, segment), unfinished(whole), std::byte{0x5a});
    return segments && *segments == one_at_a_time(whole, segment);
}

/// For each of IPv4 and IPv6, TCP and UDP.
template <class Body> void for_each_kind(Body body) {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true}) {
            CAPTURE(v6);
            CAPTURE(tcp);
            body(v6, tcp);
        }
}

/// The most payload that fits into 65,535 bytes.
std::size_t most_payload(Packet packet) {
    packet.payload.clear();
    return 65535 - payload_at(packet);
}

} // namespace

TEST_CASE("segments of every size are what one packet at a time would have been") {
    for_each_kind([](bool v6, bool tcp) {
        for (std::size_t segment = 1; segment <= 1460; ++segment) {
            CAPTURE(segment);
            for (const std::size_t payload : {segment * 3, segment * 3 + 1, segment * 4 - 1})
                REQUIRE(split_as_one_at_a_time(sample(v6, tcp, payload), segment));
        }
    });
}

TEST_CASE("a payload of every size is split, from none to several segments") {
    for_each_kind([](bool v6, bool tcp) {
        for (std::size_t payload = 0; payload <= 130; ++payload)
            for (const std::size_t segment : {1U, 2U, 7U, 15U, 16U, 17U, 32U, 100U, 65535U}) {
                CAPTURE(payload);
                CAPTURE(segment);
                REQUIRE(split_as_one_at_a_time(sample(v6, tcp, payload), segment));
            }
    });
}

TEST_CASE("the longest packets are split into segments short and long") {
    for_each_kind([](bool v6, bool tcp) {
        const Packet whole = sample(v6, tcp, most_payload(sample(v6, tcp, 0)));
        REQUIRE(unfinished(whole).size() == 65535);
        for (const std::size_t segment : {1U, 3U, 16U, 100U, 536U, 1220U, 1372U, 1448U, 1460U, 8948U, 32768U, 65000U}) {
            CAPTURE(segment);
            CHECK(split_as_one_at_a_time(whole, segment));
        }
    });
}

TEST_CASE("options of every length are repeated before each segment") {
    for_each_kind([](bool v6, bool tcp) {
        SeededRandom random(5);
        for (std::size_t ip_options = 0; ip_options <= (v6 ? 0U : 40U); ip_options += 4)
            for (std::size_t tcp_options = 0; tcp_options <= (tcp ? 40U : 0U); tcp_options += 4)
                for (const std::size_t segment : {1U, 5U, 119U, 120U, 121U, 1400U}) {
                    Packet whole = sample(v6, tcp, segment * 3 + segment / 2);
                    whole.ip_options = random.bytes(ip_options);
                    whole.tcp_options = random.bytes(tcp_options);
                    CAPTURE(ip_options);
                    CAPTURE(tcp_options);
                    CHECK(split_as_one_at_a_time(whole, segment));
                }
    });
}

TEST_CASE("FIN and PSH are on the last segment only, CWR on the first only, and every other flag on all") {
    for (const bool v6 : {false, true})
        for (unsigned flags = 0; flags < 256; ++flags)
            for (const std::size_t payload : {0U, 99U, 100U, 101U, 200U, 350U}) {
                Packet whole = sample(v6, true, payload);
                whole.flags = static_cast<std::uint8_t>(flags);
                whole.reserved = static_cast<std::uint8_t>(flags % 16);
                whole.urgent = static_cast<std::uint16_t>(flags * 257);
                CAPTURE(flags);
                CAPTURE(payload);
                REQUIRE(split_as_one_at_a_time(whole, 100));
            }
    Packet whole = sample(false, true, 300);
    whole.flags = fin | psh | cwr | urg | ack;
    const auto segments = split(header_of(whole, 100), unfinished(whole), std::byte{0});
    REQUIRE(segments);
    REQUIRE(segments->size() == 3);
    CHECK(segments->at(0)[33] == std::byte{cwr | urg | ack});
    CHECK(segments->at(1)[33] == std::byte{urg | ack});
    CHECK(segments->at(2)[33] == std::byte{fin | psh | urg | ack});
}

TEST_CASE("the id and the sequence number go round past their largest") {
    for (const std::size_t before_wrap : {0U, 1U, 2U, 5U}) {
        Packet whole = sample(false, true, 1000);
        whole.id = static_cast<std::uint16_t>(0xffffU - before_wrap);
        whole.sequence = static_cast<std::uint32_t>(0xffffffffU - before_wrap * 100);
        CHECK(split_as_one_at_a_time(whole, 100));
        whole.fragment_bits = 0;
        CHECK(split_as_one_at_a_time(whole, 100));
    }
    Packet whole = sample(false, true, 150);
    whole.id = 0xffff;
    whole.sequence = 0xffffffff;
    const auto segments = split(header_of(whole, 100), unfinished(whole), std::byte{0});
    REQUIRE(segments);
    CHECK(load_be<std::uint16_t>(segments->at(1).data() + 4) == 0);
    CHECK(load_be<std::uint32_t>(segments->at(1).data() + 24) == 99);
}

TEST_CASE("a UDP checksum that comes out as zero is sent as ffff, a TCP checksum as it is") {
    for_each_kind([](bool v6, bool tcp) {
        // All segments alike but for what the headers count: the last word of each makes its sum ffff.
        Packet whole = sample(v6, tcp, 300);
        const auto plain = one_at_a_time(whole, 100);
        for (std::size_t i = 0; i < 3; ++i) {
            const auto sum = load_be<std::uint16_t>(plain[i].data() + checksum_at(whole));
            const std::byte* word = plain[i].data() + plain[i].size() - 2;
            const std::uint32_t wanted = sum + load_be<std::uint16_t>(word);
            store_be(whole.payload.data() + i * 100 + 98, static_cast<std::uint16_t>(wanted > 0xffff ? wanted - 0xffff : wanted));
        }
        const auto segments = split(header_of(whole, 100), unfinished(whole), std::byte{0});
        REQUIRE(segments);
        for (const ByteVector& segment : *segments)
            CHECK(load_be<std::uint16_t>(segment.data() + checksum_at(whole)) == (tcp ? 0 : 0xffff));
        CHECK(*segments == one_at_a_time(whole, 100));
        whole.payload.resize(100);
        const auto single = split(header_of(whole, 0), unfinished(whole), std::byte{0});
        REQUIRE(single);
        CHECK(load_be<std::uint16_t>(single->at(0).data() + checksum_at(whole)) != (tcp ? 0xffff : 0));
    });
}

TEST_CASE("whatever the user writes into the 16 bytes behind a segment, the next ones are right") {
    for_each_kind([](bool v6, bool tcp) {
        for (const std::size_t segment : {1U, 4U, 8U, 15U, 16U, 17U, 40U, 1000U})
            for (const unsigned scribble : {0x00U, 0xffU, 0xa5U}) {
                const Packet whole = sample(v6, tcp, segment * 5 + segment / 2);
                const auto segments = split(header_of(whole, segment), unfinished(whole), static_cast<std::byte>(scribble));
                REQUIRE(segments);
                CHECK(*segments == one_at_a_time(whole, segment));
            }
    });
}

TEST_CASE("a single packet that needs its checksum gets it, one that does not is given as it came") {
    for_each_kind([](bool v6, bool tcp) {
        for (std::size_t payload = 0; payload <= 100; ++payload) {
            const Packet packet = sample(v6, tcp, payload);
            const auto finished = split(header_of(packet, 0), unfinished(packet), std::byte{0});
            REQUIRE(finished);
            CHECK(*finished == Packets{build(packet)});
            const auto untouched = split(VnetHeader{}, unfinished(packet), std::byte{0});
            REQUIRE(untouched);
            CHECK(*untouched == Packets{unfinished(packet)});
        }
    });
    const ByteVector garbage = SeededRandom(9).bytes(77);
    const auto untouched = split(VnetHeader{}, garbage, std::byte{0});
    REQUIRE(untouched);
    CHECK(*untouched == Packets{garbage});
}

TEST_CASE("a checksum is finished wherever the header says that it is, in protocols that nobody here knows") {
    SeededRandom random(4);
    for (int i = 0; i < 500; ++i) {
        ByteVector packet = random.bytes(2 + random.below(100));
        const std::size_t start = random.below(packet.size() - 1);
        const std::size_t offset = random.below(packet.size() - 1 - start);
        VnetHeader header;
        header.flags = 1;
        header.checksum_start = static_cast<std::uint16_t>(start);
        header.checksum_offset = static_cast<std::uint16_t>(offset);
        const auto finished = split(header, packet, std::byte{0});
        REQUIRE(finished);
        auto expected = static_cast<std::uint16_t>(0xffffU - plain_sum(Bytes(packet).subspan(start)));
        if (expected == 0 && offset == 6) expected = 0xffff;
        store_be(packet.data() + start + offset, expected);
        CHECK(*finished == Packets{packet});
    }
}

TEST_CASE("random super-packets are split as one packet at a time would have been") {
    SeededRandom random(11);
    for (int i = 0; i < 3000; ++i) {
        Packet whole = sample(random.chance(50), random.chance(50), random.below(5000), static_cast<std::uint64_t>(i));
        whole.source = static_cast<std::uint8_t>(random.below(256));
        whole.source_port = static_cast<std::uint16_t>(random.below(65536));
        whole.traffic_class = static_cast<std::uint8_t>(random.below(256));
        whole.hop_limit = static_cast<std::uint8_t>(random.below(256));
        whole.id = static_cast<std::uint16_t>(random.below(65536));
        whole.fragment_bits = random.chance(50) ? dont_fragment : 0;
        whole.ip_options = random.bytes(4 * random.below(11));
        whole.tcp_options = random.bytes(4 * random.below(11));
        if (whole.v6) whole.ip_options.clear();
        if (!whole.tcp) whole.tcp_options.clear();
        whole.sequence = static_cast<std::uint32_t>(random.below(0x100000000U));
        whole.flags = static_cast<std::uint8_t>(random.below(256));
        CAPTURE(i);
        CHECK(split_as_one_at_a_time(whole, 1 + random.below(1500)));
    }
}
