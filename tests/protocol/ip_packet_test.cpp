// RFC 791, 792, 1122, 8200 and 4443: what routing reads of an inner packet, and the error that answers one nobody takes.
#include "common/protocol/ip_packet.hpp"

#include "common/base/encoding.hpp"
#include "tests/support/inner_packet.hpp"
#include "tests/support/seeded_random.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;

namespace {

const IpAddress alice4 = ip("10.66.0.2");
const IpAddress alice6 = ip("fd66::2");
const IpAddress far4 = ip("192.0.2.9");
const IpAddress far6 = ip("2001:db8::9");
const IpAddress router4 = ip("10.66.0.1");
const IpAddress router6 = ip("fd66::1");

constexpr std::uint8_t icmp = 1;
constexpr std::uint8_t icmp6 = 58;
constexpr std::uint8_t hop_by_hop = 0;
constexpr std::uint8_t fragment = 44;
constexpr std::uint8_t destination_options = 60;

ByteVector text(std::string_view words) {
    const Bytes bytes = bytes_of(words);
    return {bytes.begin(), bytes.end()};
}

ByteVector answer_to(const ByteVector& packet, Unreachable why = Unreachable::no_route) {
    const auto parsed = parse_ip_packet(packet);
    REQUIRE(parsed.has_value());
    return make_unreachable(*parsed, parsed->source.is_v4() ? router4 : router6, why);
}

/// `next` and seven zero bytes, then what follows: an extension header of 8 bytes.
ByteVector behind_extension(std::uint8_t next, Bytes rest, std::uint16_t fragment_offset_field = 0) {
    ByteVector bytes(8 + rest.size());
    bytes[0] = static_cast<std::byte>(next);
    store_be(bytes.data() + 2, fragment_offset_field);
    copy(rest, MutableBytes(bytes).subspan(8));
    return bytes;
}

} // namespace

TEST_CASE("source, destination and the exact length are read, padding is cut off") {
    for (const bool v4 : {true, false}) {
        const IpAddress from = v4 ? alice4 : alice6;
        const IpAddress to = v4 ? far4 : far6;
        ByteVector packet = inner_packet(from, to, text("hello"));
        const std::size_t length = packet.size();
        packet.resize(length + 11);
        const auto parsed = parse_ip_packet(packet);
        REQUIRE(parsed.has_value());
        CHECK(parsed->source == from);
        CHECK(parsed->destination == to);
        CHECK(parsed->bytes.data() == packet.data());
        CHECK(parsed->bytes.size() == length);
    }
}

TEST_CASE("a packet of any other version is none") {
    for (unsigned version = 0; version < 16; ++version) {
        ByteVector packet(100);
        packet[0] = static_cast<std::byte>(version << 4U | 5U);
        packet[3] = std::byte{100};
        CHECK(parse_ip_packet(packet).has_value() == (version == 4 || version == 6));
    }
    CHECK_FALSE(parse_ip_packet({}).has_value());
}

TEST_CASE("a packet that was cut anywhere is none") {
    for (const ByteVector& packet :
         {inner_packet(alice4, far4, text("some payload")), inner_packet(alice6, far6, text("some payload"))})
        for (std::size_t size = 0; size < packet.size(); ++size)
            if (parse_ip_packet(Bytes(packet).first(size))) FAIL(size, " of ", packet.size());
}

TEST_CASE("an IPv4 header shorter than 20 bytes, or longer than the packet, is no header") {
    for (unsigned words = 0; words < 16; ++words) {
        ByteVector packet = inner_packet(alice4, far4, ByteVector(16)); // 36 bytes
        packet[0] = static_cast<std::byte>(0x40U | words);
        CHECK(parse_ip_packet(packet).has_value() == (words >= 5 && words * 4 <= 36));
    }
}

TEST_CASE("an IPv4 total length below the header's is none") {
    ByteVector packet = inner_packet(alice4, far4, ByteVector(16));
    for (std::uint16_t length = 0; length < 60; ++length) {
        store_be(packet.data() + 2, length);
        CHECK(parse_ip_packet(packet).has_value() == (length >= 20 && length <= 36));
    }
}

TEST_CASE("an IPv4 packet that no peer takes is answered by destination unreachable, with both checksums right") {
    const ByteVector packet = inner_packet(alice4, far4, text("a question of 23 bytes"));
    const ByteVector answer = answer_to(packet);
    REQUIRE(answer.size() == 20 + 8 + packet.size());
    const auto parsed = parse_ip_packet(answer);
    REQUIRE(parsed.has_value());
    CHECK(parsed->bytes.size() == answer.size());
    CHECK(parsed->source == router4);
    CHECK(parsed->destination == alice4);
    CHECK(answer[9] == std::byte{1});
    CHECK(std::to_integer<int>(answer[8]) > 1); // time to live
    CHECK(answer[20] == std::byte{3});          // destination unreachable
    CHECK(answer[21] == std::byte{1});          // host
    CHECK(format_hex(Bytes(answer).subspan(24, 4)) == "00000000");
    CHECK(std::equal(packet.begin(), packet.end(), answer.begin() + 28));
    CHECK(sum_modulo_65535({Bytes(answer).first(20)}) == 0);
    CHECK(sum_modulo_65535({Bytes(answer).subspan(20)}) == 0);
}

TEST_CASE("an IPv6 packet that no peer takes is answered by destination unreachable, with the checksum right") {
    for (const Unreachable why : {Unreachable::no_route, Unreachable::host}) {
        const ByteVector packet = inner_packet(alice6, far6, text("a question of 23 bytes."));
        const ByteVector answer = answer_to(packet, why);
        REQUIRE(answer.size() == 40 + 8 + packet.size());
        const auto parsed = parse_ip_packet(answer);
        REQUIRE(parsed.has_value());
        CHECK(parsed->bytes.size() == answer.size());
        CHECK(parsed->source == router6);
        CHECK(parsed->destination == alice6);
        CHECK(answer[6] == std::byte{58});
        CHECK(answer[40] == std::byte{1});
        CHECK(answer[41] == (why == Unreachable::no_route ? std::byte{0} : std::byte{3}));
        CHECK(format_hex(Bytes(answer).subspan(44, 4)) == "00000000");
        CHECK(std::equal(packet.begin(), packet.end(), answer.begin() + 48));
        ByteVector pseudo_header(8);
        store_be(pseudo_header.data(), static_cast<std::uint32_t>(answer.size() - 40));
        pseudo_header[7] = std::byte{58};
        CHECK(sum_modulo_65535({Bytes(answer).subspan(8, 32), pseudo_header, Bytes(answer).subspan(40)}) == 0);
    }
}

TEST_CASE("checksums are right for packets of every length and any content") {
    SeededRandom random(5);
    for (std::size_t size = 0; size < 1400; ++size) {
        const ByteVector four = answer_to(inner_packet(alice4, far4, random.bytes(size)));
        if (sum_modulo_65535({Bytes(four).first(20)}) != 0) FAIL("IPv4 header, ", size, " bytes");
        if (sum_modulo_65535({Bytes(four).subspan(20)}) != 0) FAIL("ICMP, ", size, " bytes");
        const ByteVector six = answer_to(inner_packet(alice6, far6, random.bytes(size)));
        ByteVector pseudo_header(8);
        store_be(pseudo_header.data(), static_cast<std::uint32_t>(six.size() - 40));
        pseudo_header[7] = std::byte{58};
        if (sum_modulo_65535({Bytes(six).subspan(8, 32), pseudo_header, Bytes(six).subspan(40)}) != 0)
            FAIL("ICMPv6, ", size, " bytes");
    }
}

TEST_CASE("an error is at most 576 bytes over IPv4 and 1280 over IPv6, and quotes as much as fits") {
    CHECK(answer_to(inner_packet(alice4, far4, ByteVector(1400))).size() == 576);
    CHECK(answer_to(inner_packet(alice6, far6, ByteVector(1400))).size() == 1280);
    CHECK(answer_to(inner_packet(alice4, far4, ByteVector(65'000))).size() == 576);
    CHECK(answer_to(inner_packet(alice6, far6, ByteVector(65'000))).size() == 1280);
    CHECK(answer_to(inner_packet(alice4, far4, {})).size() == 48);
    CHECK(answer_to(inner_packet(alice6, far6, {})).size() == 88);
}

TEST_CASE("an ICMP error is never answered by an error, a query is") {
    for (unsigned type = 0; type < 256; ++type) {
        ByteVector message(8);
        message[0] = static_cast<std::byte>(type);
        const bool answered = !answer_to(inner_packet(alice4, far4, message, icmp)).empty();
        const bool is_error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
        const bool is_query = type == 0 || type == 8 || (type >= 13 && type <= 18);
        CAPTURE(type);
        if (is_error) CHECK_FALSE(answered);
        if (is_query) CHECK(answered);
    }
    CHECK(answer_to(inner_packet(alice4, far4, {}, icmp)).empty()); // who knows
}

TEST_CASE("an ICMPv6 error or redirect is never answered by an error, another message is") {
    for (unsigned type = 0; type < 256; ++type) {
        ByteVector message(8);
        message[0] = static_cast<std::byte>(type);
        const bool answered = !answer_to(inner_packet(alice6, far6, message, icmp6)).empty();
        if (answered != (type >= 128 && type != 137)) FAIL("type ", type);
    }
    CHECK(answer_to(inner_packet(alice6, far6, {}, icmp6)).empty());
}

TEST_CASE("an ICMPv6 error hidden behind extension headers is still an error") {
    ByteVector error(8);
    error[0] = std::byte{1};
    ByteVector echo(8);
    echo[0] = std::byte{128};
    for (const std::uint8_t extension : {hop_by_hop, destination_options, fragment}) {
        CAPTURE(extension);
        CHECK(answer_to(inner_packet(alice6, far6, behind_extension(icmp6, error), extension)).empty());
        CHECK_FALSE(answer_to(inner_packet(alice6, far6, behind_extension(icmp6, echo), extension)).empty());
    }
    const ByteVector two = behind_extension(destination_options, behind_extension(icmp6, error));
    CHECK(answer_to(inner_packet(alice6, far6, two, hop_by_hop)).empty());
    CHECK(answer_to(inner_packet(alice6, far6, ByteVector(4), hop_by_hop)).empty()); // cut in its extension header
    ByteVector endless = behind_extension(icmp6, echo);
    endless[1] = std::byte{255}; // claims 2048 bytes
    CHECK(answer_to(inner_packet(alice6, far6, endless, destination_options)).empty());
}

TEST_CASE("only the first fragment is answered") {
    ByteVector first = inner_packet(alice4, far4, text("first"));
    store_be(first.data() + 6, std::uint16_t{0x2000}); // more fragments
    CHECK_FALSE(answer_to(first).empty());
    for (const std::uint16_t field : {std::uint16_t{1}, std::uint16_t{0x2001}, std::uint16_t{0x1fff}}) {
        ByteVector later = first;
        store_be(later.data() + 6, field);
        CHECK(answer_to(later).empty());
    }
    const ByteVector first6 = behind_extension(experimental, text("first"), 1); // more fragments
    CHECK_FALSE(answer_to(inner_packet(alice6, far6, first6, fragment)).empty());
    const ByteVector later6 = behind_extension(experimental, text("later"), 8);
    CHECK(answer_to(inner_packet(alice6, far6, later6, fragment)).empty());
}

TEST_CASE("multicast and broadcast are never answered, nor a source that is no single host") {
    for (const std::string_view to : {"224.0.0.1", "239.255.255.250", "255.255.255.255"})
        CHECK(answer_to(inner_packet(alice4, ip(to), text("x"))).empty());
    for (const std::string_view to : {"ff02::1", "ff0e::1234"}) CHECK(answer_to(inner_packet(alice6, ip(to), text("x"))).empty());
    for (const std::string_view from : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"})
        CHECK(answer_to(inner_packet(ip(from), far4, text("x"))).empty());
    for (const std::string_view from : {"::", "::1", "ff02::1"})
        CHECK(answer_to(inner_packet(ip(from), far6, text("x"))).empty());
}

TEST_CASE("there is no error from an address of the other family") {
    const ByteVector packet = inner_packet(alice4, far4, text("x"));
    CHECK(make_unreachable(*parse_ip_packet(packet), router6, Unreachable::no_route).empty());
}

TEST_CASE("an error is answered by nothing when it is sent back in") {
    const ByteVector error4 = answer_to(inner_packet(alice4, far4, text("x")));
    CHECK(answer_to(error4).empty());
    const ByteVector error6 = answer_to(inner_packet(alice6, far6, text("x")));
    CHECK(answer_to(error6).empty());
}
