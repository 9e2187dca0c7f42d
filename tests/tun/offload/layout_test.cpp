// Where the headers are, and in which packets nobody looks.
#include "tests/support/seeded_random.hpp"
#include "tests/tun/offload/packet.hpp"
#include "tun/offload/layout.hpp"
#include "tun/offload/vnet_header.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::test;
using offload::Layout;
using offload::layout_of;

namespace {

Packet sample(bool v6, bool tcp) {
    Packet packet{.v6 = v6, .tcp = tcp};
    packet.payload = support::SeededRandom(1).bytes(33);
    return packet;
}

/// The same packet with one byte replaced.
ByteVector with(ByteVector bytes, std::size_t at, unsigned value) {
    bytes[at] = static_cast<std::byte>(value);
    return bytes;
}

} // namespace

TEST_CASE("headers of every length are found, with options and without") {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true})
            for (std::size_t ip_options = 0; ip_options <= (v6 ? 0U : 40U); ip_options += 4)
                for (std::size_t tcp_options = 0; tcp_options <= (tcp ? 40U : 0U); tcp_options += 4)
                    for (const std::size_t payload : {0U, 1U, 1000U}) {
                        Packet packet = sample(v6, tcp);
                        packet.ip_options.resize(ip_options);
                        packet.tcp_options.resize(tcp_options);
                        packet.payload.resize(payload);
                        const std::uint8_t protocol = tcp ? 6 : 17;
                        CHECK(layout_of(build(packet)) == Layout{v6, protocol, l4_at(packet), payload_at(packet)});
                    }
}

TEST_CASE("a packet that was cut short, or that trails bytes, has no layout") {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true}) {
            ByteVector bytes = build(sample(v6, tcp));
            for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(layout_of(Bytes(bytes).first(size)));
            bytes.push_back(std::byte{0});
            CHECK_FALSE(layout_of(bytes));
        }
}

TEST_CASE("a packet that has the length it says, but no room for its TCP or UDP header, has no layout") {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true}) {
            const std::size_t l4 = v6 ? 40 : 20;
            for (std::size_t left = 0; left < (tcp ? 20 : 8); ++left) {
                ByteVector bytes = build(sample(v6, tcp));
                bytes.resize(l4 + left);
                store_be(bytes.data() + (v6 ? 4 : 2), static_cast<std::uint16_t>(v6 ? left : l4 + left));
                if (!tcp && left >= 6) store_be(bytes.data() + l4 + 4, static_cast<std::uint16_t>(left));
                CHECK_FALSE(layout_of(bytes));
            }
        }
}

TEST_CASE("an IPv4 header shorter than 20 bytes has no layout, even if a TCP header would fit behind it") {
    for (unsigned words = 0; words < 5; ++words) {
        ByteVector bytes = with(build(sample(false, true)), 0, 0x40U | words);
        bytes[words * 4 + 12] = std::byte{0x50};
        CHECK_FALSE(layout_of(bytes));
    }
}

TEST_CASE("headers that say they are shorter than they can be, or longer than the packet, have no layout") {
    const ByteVector v4 = build(sample(false, true));
    const ByteVector v6 = build(sample(true, true));
    const ByteVector udp = build(sample(false, false));
    for (unsigned words = 0; words < 16; ++words) {
        CAPTURE(words);
        if (words != 5) CHECK_FALSE(layout_of(with(udp, 0, 0x40U | words)));
        const bool fits = words >= 5 && words * 4 <= 20 + 33;
        CHECK(layout_of(with(v4, 20 + 12, words << 4U)).has_value() == fits);
        CHECK(layout_of(with(v6, 40 + 12, words << 4U)).has_value() == fits);
    }
    for (unsigned length = 0; length < 256; ++length) CHECK(layout_of(with(udp, 25, length)).has_value() == (length == 8 + 33));
}

TEST_CASE("neither fragments nor extension headers nor other protocols have a layout") {
    for (const unsigned bits : {0x2000U, 0x0001U, 0x1fffU, 0x3fffU, 0x6000U}) {
        Packet packet = sample(false, false);
        packet.fragment_bits = static_cast<std::uint16_t>(bits);
        CHECK_FALSE(layout_of(build(packet)));
    }
    for (const unsigned bits : {0x0000U, 0x4000U, 0x8000U, 0xc000U}) {
        Packet packet = sample(false, false);
        packet.fragment_bits = static_cast<std::uint16_t>(bits);
        CHECK(layout_of(build(packet)));
    }
    const ByteVector v4 = build(sample(false, true));
    const ByteVector v6 = build(sample(true, true));
    for (unsigned protocol = 0; protocol < 256; ++protocol) {
        if (protocol == 6 || protocol == 17) continue;
        CHECK_FALSE(layout_of(with(v4, 9, protocol)));
        CHECK_FALSE(layout_of(with(v6, 6, protocol)));
    }
    for (unsigned version = 0; version < 16; ++version) {
        if (version != 4) CHECK_FALSE(layout_of(with(v4, 0, version << 4U | 5U)));
        if (version != 6) CHECK_FALSE(layout_of(with(v6, 0, version << 4U)));
    }
}

TEST_CASE("checksums are right only as a sender writes them") {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true}) {
            CAPTURE(v6);
            CAPTURE(tcp);
            const Packet packet = sample(v6, tcp);
            const ByteVector bytes = build(packet);
            const auto layout = layout_of(bytes);
            REQUIRE(layout);
            CHECK(checksums_are_right(*layout, bytes));
            std::size_t overlooked = 0;
            for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
                // The sums over IPv6 leave out its first row, bar the lengths, and the hop limit.
                if (v6 && bit / 8 < 8) continue;
                const unsigned flipped = std::to_integer<unsigned>(bytes[bit / 8]) ^ 1U << bit % 8;
                overlooked += checksums_are_right(*layout, with(bytes, bit / 8, flipped)) ? 1 : 0;
            }
            CHECK(overlooked == 0);
        }
}

TEST_CASE("a UDP checksum of zero is none, and the other zero of one's complement is nobody's") {
    for (const bool tcp : {false, true}) {
        Packet packet = sample(false, tcp);
        packet.payload.assign(2, std::byte{0});
        const ByteVector before = build(packet);
        copy(Bytes(before).subspan(checksum_at(packet), 2), packet.payload); // now the sum is ffff, its complement zero
        ByteVector bytes = build(packet);
        const auto layout = layout_of(bytes);
        REQUIRE(layout);
        CHECK(load_be<std::uint16_t>(bytes.data() + checksum_at(packet)) == (tcp ? 0 : 0xffff));
        CHECK(checksums_are_right(*layout, bytes));
        store_be(bytes.data() + checksum_at(packet), static_cast<std::uint16_t>(tcp ? 0xffff : 0));
        CHECK_FALSE(checksums_are_right(*layout, bytes));
    }
    Packet packet = sample(false, true);
    const auto sum = load_be<std::uint16_t>(build(packet).data() + 10);
    packet.id = sum;
    ByteVector bytes = build(packet);
    const auto layout = layout_of(bytes);
    REQUIRE(load_be<std::uint16_t>(bytes.data() + 10) == 0);
    CHECK(checksums_are_right(*layout, bytes));
    store_be(bytes.data() + 10, std::uint16_t{0xffff});
    CHECK_FALSE(checksums_are_right(*layout, bytes));
}

TEST_CASE("the ten bytes before a packet lie as virtio 1.2, 5.1.6 has them, and come back as they were") {
    const offload::VnetHeader header{1, 0x84, 0x1234, 0x5678, 0x9abc, 0xdef0};
    ByteArray<10> bytes{};
    header.encode(bytes);
    CHECK(bytes[0] == std::byte{1});
    CHECK(bytes[1] == std::byte{0x84});
    const std::uint16_t fields[] = {0x1234, 0x5678, 0x9abc, 0xdef0}; // hdr_len, gso_size, csum_start, csum_offset
    CHECK(std::memcmp(bytes.data() + 2, fields, sizeof fields) == 0);
    CHECK(offload::VnetHeader::decode(bytes) == header);
}
