// Addresses and their text: RFC 4291 in, RFC 5952 out, the C library as a second opinion.
#include "common/base/ip.hpp"

#include "tests/vectors/hex.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <random>
#include <unordered_set>

using namespace vpn;
using vpn::vectors::array_from_hex;

namespace {

IpAddress v6(std::string_view hex) { return IpAddress::v6(array_from_hex<16>(hex)); }

std::string rewritten(std::string_view text) {
    const auto address = IpAddress::parse(text);
    return address ? address->to_string() : "refused";
}

IpAddress address(std::string_view text) {
    const auto parsed = IpAddress::parse(text);
    REQUIRE_MESSAGE(parsed, text);
    return *parsed;
}

/// What the C library makes of the bytes.
std::string libc_text(const IpAddress& of) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    REQUIRE(inet_ntop(of.is_v4() ? AF_INET : AF_INET6, of.bytes().data(), text.data(), text.size()) != nullptr);
    return text.data();
}

/// The address of which group i is zero where bit i of `zeros` is set, and else i + 1.
IpAddress with_zero_groups(unsigned zeros) {
    ByteArray<16> bytes{};
    for (std::size_t i = 0; i < 8; ++i)
        store_be(bytes.data() + 2 * i, static_cast<std::uint16_t>((zeros >> i & 1U) != 0 ? 0 : i + 1));
    return IpAddress::v6(bytes);
}

} // namespace

TEST_CASE("an IPv4 address is four decimal numbers, and nothing else") {
    CHECK(format_hex(address("192.0.2.1").bytes()) == "c0000201");
    CHECK(address("0.0.0.0").is_unspecified());
    CHECK(rewritten("255.255.255.255") == "255.255.255.255");
    for (const std::string_view text :
         {"",           ".",        "...",       "1",         "1.2",       "1.2.3",     "1.2.3.",           ".1.2.3",
          "1..2.3",     "1.2.3.4.", "1.2.3.4.5", "256.1.1.1", "1.1.1.256", "1.2.3.999", "1.2.3.4294967297", "01.2.3.4",
          "1.2.3.00",   "1.2.3.04", "0x1.2.3.4", "1.2.3.-4",  "+1.2.3.4",  " 1.2.3.4",  "1.2.3.4 ",         "1.2.3.4\n",
          "1.2.3.4/32", "1,2,3,4",  "a.b.c.d",   "1.2.3.a",   "localhost", "3232235777"}) {
        CAPTURE(text);
        CHECK_FALSE(IpAddress::parse(text));
    }
    CHECK_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST_CASE("every number from 0 to 255 is read and written, in every place") {
    for (std::size_t place = 0; place < 4; ++place) {
        for (unsigned number = 0; number < 256; ++number) {
            ByteArray<4> bytes{};
            bytes[place] = static_cast<std::byte>(number);
            const IpAddress expected = IpAddress::v4(bytes);
            CHECK(expected.to_string() == libc_text(expected));
            CHECK(IpAddress::parse(expected.to_string()) == expected);
        }
    }
}

TEST_CASE("an IPv6 address is read in every form of RFC 4291, 2.2") {
    const IpAddress doc = v6("20010db80000000000080800200c417a");
    for (const std::string_view text :
         {"2001:db8:0:0:8:800:200c:417a", "2001:DB8::8:800:200C:417A", "2001:0db8:0000:0000:0008:0800:200c:417a",
          "2001:db8::8:800:32.12.65.122", "2001:db8:0:0:8:800:32.12.65.122"}) {
        CAPTURE(text);
        CHECK(IpAddress::parse(text) == doc);
    }
    CHECK(IpAddress::parse("::") == v6("00000000000000000000000000000000"));
    CHECK(IpAddress::parse("::1") == v6("00000000000000000000000000000001"));
    CHECK(IpAddress::parse("1::") == v6("00010000000000000000000000000000"));
    CHECK(IpAddress::parse("::13.1.68.3") == v6("0000000000000000000000000d014403"));
    CHECK(IpAddress::parse("::ffff:129.144.52.38") == v6("00000000000000000000ffff81903426"));
    CHECK(IpAddress::parse("1:2:3:4:5:6:7::") == v6("00010002000300040005000600070000"));
    CHECK(IpAddress::parse("::2:3:4:5:6:7:8") == v6("00000002000300040005000600070008"));
    CHECK(IpAddress::parse("1:2:3:4:5:6:1.2.3.4") == v6("00010002000300040005000601020304"));
    CHECK(IpAddress::parse("1::1.2.3.4") == v6("00010000000000000000000001020304"));
}

TEST_CASE("what is no IPv6 address is refused") {
    for (const std::string_view text : {":",
                                        ":::",
                                        "::::",
                                        "1",
                                        "1:",
                                        ":1",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:",
                                        ":1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:8:",
                                        ":1:2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:2:3:4:5:6:7:8::",
                                        "::1:2:3:4:5:6:7:8",
                                        "1:2:3:4::5:6:7:8",
                                        "1::2::3",
                                        "1:::2",
                                        "::1::",
                                        "12345::",
                                        "::12345",
                                        "::g",
                                        "::00001",
                                        "::-1",
                                        "::+1",
                                        ":: 1",
                                        " ::1",
                                        "::1 ",
                                        "::1\n",
                                        "::1%eth0",
                                        "::1%1",
                                        "[::1]",
                                        "::1/128",
                                        "::1.2.3",
                                        "::1.2.3.4.5",
                                        "::1.2.3.256",
                                        "::01.2.3.4",
                                        "1.2.3.4::",
                                        "::1.2.3.4:5",
                                        "1:2:3:4:5:6:7:1.2.3.4",
                                        "1:2:3:4:5:1.2.3.4",
                                        "1:2:3:4:5:6::1.2.3.4",
                                        "::1:2:3:4:5:6:1.2.3.4",
                                        "1.2.3.4:1::",
                                        "::0x1",
                                        "1:2:3:4:5:6:7:8/64",
                                        "fe80:",
                                        "2001:db8"}) {
        CAPTURE(text);
        std::array<unsigned char, 16> ignored{};
        CHECK_FALSE(IpAddress::parse(text));
        CHECK(inet_pton(AF_INET6, std::string(text).c_str(), ignored.data()) == 0);
    }
    CHECK_FALSE(IpAddress::parse(std::string_view("::1\0", 4)));
}

TEST_CASE("IPv6 addresses are written as RFC 5952 says") {
    CHECK(rewritten("2001:0db8::0001") == "2001:db8::1");               // 4.1: no leading zeros
    CHECK(rewritten("2001:db8:0:0:0:0:2:1") == "2001:db8::2:1");        // 4.2.1: as short as possible
    CHECK(rewritten("2001:db8::0:1") == "2001:db8::1");                 // 4.2.1
    CHECK(rewritten("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1"); // 4.2.2: one group is not shortened
    CHECK(rewritten("2001:db8::1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");  // 4.2.2
    CHECK(rewritten("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");          // 4.2.3: the longest run
    CHECK(rewritten("2001:db8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");    // 4.2.3: of equal runs the first
    CHECK(rewritten("2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA") == "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"); // 4.3: lower case
    CHECK(rewritten("::ffff:c000:0201") == "::ffff:192.0.2.1"); // 5: a mapped address shows its IPv4 address
    CHECK(rewritten("0:0:0:0:0:0:0:0") == "::");
    CHECK(rewritten("0:0:0:0:0:0:0:1") == "::1");
    CHECK(rewritten("1:0:0:0:0:0:0:0") == "1::");
    CHECK(rewritten("0:0:1:0:0:0:0:0") == "0:0:1::");
    CHECK(rewritten("0:1:2:3:4:5:6:7") == "0:1:2:3:4:5:6:7");
}

TEST_CASE("every pattern of zero groups is written as the C library writes it, and read again") {
    for (unsigned zeros = 0; zeros < 256; ++zeros) {
        const IpAddress expected = with_zero_groups(zeros);
        CAPTURE(libc_text(expected));
        // The C library also shows the long deprecated IPv4-compatible addresses as dotted quads.
        const bool compatible = (zeros & 0x3fU) == 0x3f && (zeros & 0x40U) == 0;
        if (!compatible) CHECK(expected.to_string() == libc_text(expected));
        CHECK(IpAddress::parse(expected.to_string()) == expected);
        CHECK(IpAddress::parse(libc_text(expected)) == expected);
    }
}

TEST_CASE("random addresses are written and read as the C library does") {
    std::mt19937 generator(1); // the same every time
    for (int i = 0; i < 20'000; ++i) {
        ByteArray<16> bytes{};
        const auto kept = generator();
        for (std::size_t k = 0; k < 16; ++k)
            bytes[k] = (kept >> k & 1U) != 0 ? static_cast<std::byte>(generator() & 0xffU) : std::byte{};
        bytes[0] = std::byte{0x20};
        const IpAddress expected = IpAddress::v6(bytes);
        REQUIRE(expected.to_string() == libc_text(expected));
        REQUIRE(IpAddress::parse(expected.to_string()) == expected);
    }
}

TEST_CASE("random text is an address for us exactly when it is one for the C library") {
    std::mt19937 generator(2); // the same every time
    constexpr std::string_view letters = "::::..0125f9ag";
    std::size_t taken = 0;
    for (int i = 0; i < 300'000; ++i) {
        std::string text(generator() % 14, ' ');
        for (char& c : text) c = letters[generator() % letters.size()];
        const auto ours = IpAddress::parse(text);
        ByteArray<16> v6_bytes{};
        ByteArray<4> v4_bytes{};
        const bool is_v6 = inet_pton(AF_INET6, text.c_str(), v6_bytes.data()) == 1;
        const bool is_v4 = inet_pton(AF_INET, text.c_str(), v4_bytes.data()) == 1;
        CAPTURE(text);
        REQUIRE(ours.has_value() == (is_v4 || is_v6));
        if (is_v4) REQUIRE(*ours == IpAddress::v4(v4_bytes));
        if (is_v6) REQUIRE(*ours == IpAddress::v6(v6_bytes));
        taken += ours ? 1 : 0;
    }
    CHECK(taken > 1000);
}

TEST_CASE("an address masked keeps its first bits") {
    CHECK(address("255.255.255.255").masked(0).to_string() == "0.0.0.0");
    CHECK(address("255.255.255.255").masked(1).to_string() == "128.0.0.0");
    CHECK(address("10.66.7.9").masked(24).to_string() == "10.66.7.0");
    CHECK(address("255.255.255.255").masked(31).to_string() == "255.255.255.254");
    CHECK(address("1.2.3.4").masked(32).to_string() == "1.2.3.4");
    for (unsigned bits = 0; bits <= 128; ++bits) {
        const IpAddress masked = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").masked(bits);
        for (unsigned bit = 0; bit < 128; ++bit) {
            const bool is_set = (masked.bytes()[bit / 8] >> (7 - bit % 8) & std::byte{1}) != std::byte{};
            REQUIRE(is_set == (bit < bits));
        }
    }
}

TEST_CASE("an IPv4 address is never equal to an IPv6 address, whatever its bytes") {
    CHECK(address("0.0.0.0") != address("::"));
    CHECK(address("1.2.3.4") != address("102:304::"));
    CHECK(address("0.0.0.0").is_unspecified());
    CHECK(address("::").is_unspecified());
    CHECK_FALSE(address("::1").is_unspecified());
    CHECK_FALSE(address("0.0.0.1").is_unspecified());
    CHECK(IpAddress() == address("0.0.0.0"));
    CHECK(address("1.2.3.4").width() == 32);
    CHECK(address("::").width() == 128);
    CHECK(address("1.2.3.4").bytes().size() == 4);
    CHECK(address("::").bytes().size() == 16);
}

TEST_CASE("addresses sort as their bytes do, IPv4 first") {
    CHECK(address("1.2.3.4") < address("1.2.4.0"));
    CHECK(address("9.0.0.0") < address("10.0.0.0"));
    CHECK(address("255.255.255.255") < address("::"));
    CHECK(address("::ffff") < address("1::"));
}

TEST_CASE("addresses find each other in a hash table") {
    std::unordered_set<IpAddress> set{address("1.2.3.4"), address("::1"), address("1.2.3.4"), address("::2")};
    CHECK(set.size() == 3);
    CHECK(set.contains(address("0:0:0:0:0:0:0:1")));
    CHECK_FALSE(set.contains(address("1.2.3.5")));
}

TEST_CASE("a decimal number has no sign, no leading zero, and an end") {
    CHECK(parse_decimal("0", 0) == 0U);
    CHECK(parse_decimal("65535", 65535) == 65535U);
    CHECK(parse_decimal("4294967295", 0xffffffff) == 0xffffffffU);
    for (const std::string_view text : {"", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "65536", "4294967296",
                                        "99999999999", "18446744073709551617"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_decimal(text, 65535));
    }
    CHECK_FALSE(parse_decimal("4294967296", 0xffffffff));
}
