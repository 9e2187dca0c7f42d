// Headers and packets that contradict each other are refused, and what is wrong without harm is not even read.
#include "tests/support/seeded_random.hpp"
#include "tests/tun/offload/super_packet.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::test;
using offload::VnetHeader;

namespace {

struct Sample {
    Packet packet;
    VnetHeader header;
    ByteVector bytes;
    [[nodiscard]] bool is_split(const VnetHeader& changed) const { return split(changed, bytes, std::byte{0}).has_value(); }
    [[nodiscard]] bool is_split(const ByteVector& changed) const { return split(header, changed, std::byte{0}).has_value(); }
};

Sample sample(bool v6, bool tcp) {
    Packet packet{.v6 = v6, .tcp = tcp};
    packet.payload = support::SeededRandom(2).bytes(950);
    Sample made{packet, header_of(packet, 100), unfinished(packet)};
    REQUIRE(made.is_split(made.header));
    return made;
}

template <class Body> void for_each_kind(Body body) {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true}) {
            CAPTURE(v6);
            CAPTURE(tcp);
            body(sample(v6, tcp));
        }
}

} // namespace

TEST_CASE("header_size lies on forwarded packets and changes nothing") {
    for_each_kind([](const Sample& made) {
        for (const unsigned lie : {0U, 1U, 20U, 39U, 66U, 1000U, 65535U}) {
            VnetHeader header = made.header;
            header.header_size = static_cast<std::uint16_t>(lie);
            const auto segments = split(header, made.bytes, std::byte{0});
            REQUIRE(segments);
            CHECK(*segments == one_at_a_time(made.packet, 100));
        }
    });
}

TEST_CASE("only the one kind of segmentation that the packet is of is accepted") {
    for_each_kind([](const Sample& made) {
        const std::uint8_t right = made.packet.tcp ? (made.packet.v6 ? 4 : 1) : 5;
        for (unsigned kind = 1; kind < 256; ++kind) {
            VnetHeader header = made.header;
            header.segmentation = static_cast<std::uint8_t>(kind);
            CAPTURE(kind);
            CHECK(made.is_split(header) == ((kind & 0x7fU) == right));
        }
    });
}

TEST_CASE("segments without a checksum to complete are refused, and flags that say other things are ignored") {
    for_each_kind([](const Sample& made) {
        for (unsigned flags = 0; flags < 256; ++flags) {
            VnetHeader header = made.header;
            header.flags = static_cast<std::uint8_t>(flags);
            CAPTURE(flags);
            CHECK(made.is_split(header) == ((flags & 1U) == 1U));
        }
    });
}

TEST_CASE("segments of no bytes are refused, of all other sizes taken") {
    for_each_kind([](const Sample& made) {
        VnetHeader header = made.header;
        header.segment_size = 0;
        CHECK_FALSE(made.is_split(header));
        for (const unsigned size : {1U, 949U, 950U, 951U, 65535U}) {
            header.segment_size = static_cast<std::uint16_t>(size);
            const auto segments = split(header, made.bytes, std::byte{0});
            REQUIRE(segments);
            CHECK(*segments == one_at_a_time(made.packet, size));
        }
    });
}

TEST_CASE("a checksum anywhere else than where the packet has it is refused") {
    for_each_kind([](const Sample& made) {
        for (unsigned value = 0; value < 65536; value += value < 300 ? 1 : 997) {
            VnetHeader start = made.header;
            start.checksum_start = static_cast<std::uint16_t>(value);
            CHECK(made.is_split(start) == (start == made.header));
            VnetHeader offset = made.header;
            offset.checksum_offset = static_cast<std::uint16_t>(value);
            CHECK(made.is_split(offset) == (offset == made.header));
        }
    });
}

TEST_CASE("a single packet whose checksum would lie behind its end is refused") {
    const ByteVector packet(60);
    for (unsigned start = 0; start < 70; ++start)
        for (unsigned offset = 0; offset < 70; ++offset) {
            VnetHeader header;
            header.flags = 1;
            header.checksum_start = static_cast<std::uint16_t>(start);
            header.checksum_offset = static_cast<std::uint16_t>(offset);
            REQUIRE(split(header, packet, std::byte{0}).has_value() == (start + offset + 2 <= 60));
        }
    for (const unsigned far : {32767U, 65534U, 65535U}) {
        VnetHeader header;
        header.flags = 1;
        header.checksum_start = static_cast<std::uint16_t>(far);
        header.checksum_offset = static_cast<std::uint16_t>(far);
        CHECK_FALSE(split(header, packet, std::byte{0}).has_value());
    }
}

TEST_CASE("a super-packet that was cut short or trails bytes is refused") {
    for_each_kind([](const Sample& made) {
        for (std::size_t size = 0; size < made.bytes.size(); ++size)
            REQUIRE_FALSE(made.is_split(ByteVector(made.bytes.begin(), made.bytes.begin() + static_cast<std::ptrdiff_t>(size))));
        ByteVector longer = made.bytes;
        longer.push_back(std::byte{0});
        CHECK_FALSE(made.is_split(longer));
    });
}

TEST_CASE("a packet whose own headers say something else is refused, bit by bit") {
    for_each_kind([](const Sample& made) {
        const std::size_t l4 = l4_at(made.packet);
        std::vector<std::size_t> bytes_that_matter = {0}; // version, IPv4 header length
        if (made.packet.v6)
            bytes_that_matter = {4, 5, 6}; // payload length, next header
        else
            bytes_that_matter.insert(bytes_that_matter.end(), {2, 3, 7, 9}); // total length, fragment offset, protocol
        if (!made.packet.tcp) bytes_that_matter.insert(bytes_that_matter.end(), {l4 + 4, l4 + 5}); // UDP's length
        for (const std::size_t at : bytes_that_matter)
            for (unsigned bit = 0; bit < 8; ++bit) {
                ByteVector changed = made.bytes;
                changed[at] ^= static_cast<std::byte>(1U << bit);
                CAPTURE(at);
                CAPTURE(bit);
                CHECK_FALSE(made.is_split(changed));
            }
        for (unsigned version = 0; version < 16; ++version) {
            ByteVector changed = made.bytes;
            changed[0] = (changed[0] & std::byte{0x0f}) | static_cast<std::byte>(version << 4U);
            CHECK(made.is_split(changed) == (version == (made.packet.v6 ? 6U : 4U)));
        }
        for (unsigned words = 0; made.packet.tcp && words < 5; ++words) {
            ByteVector changed = made.bytes;
            changed[l4 + 12] = static_cast<std::byte>(words << 4U);
            CHECK_FALSE(made.is_split(changed));
        }
    });
}
