// Prefixes: what is in them, and their text.
#include "common/base/ip.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace vpn;

namespace {

Prefix prefix(std::string_view text) {
    const auto parsed = Prefix::parse(text);
    REQUIRE_MESSAGE(parsed, text);
    return *parsed;
}

IpAddress address(std::string_view text) {
    const auto parsed = IpAddress::parse(text);
    REQUIRE_MESSAGE(parsed, text);
    return *parsed;
}

bool bit_of(const IpAddress& of, unsigned bit) { return (of.bytes()[bit / 8] >> (7 - bit % 8) & std::byte{1}) != std::byte{}; }

/// `contains` as the definition has it: bit for bit.
bool shares_bits(const Prefix& with, const IpAddress& other) {
    if (other.family() != with.family()) return false;
    for (unsigned bit = 0; bit < with.bits(); ++bit)
        if (bit_of(other, bit) != bit_of(with.address(), bit)) return false;
    return true;
}

} // namespace

TEST_CASE("a prefix is an address, a slash and the number of its bits") {
    CHECK(prefix("10.66.0.2/24").bits() == 24);
    CHECK(prefix("10.66.0.2/24").address() == address("10.66.0.2"));
    CHECK(prefix("0.0.0.0/0").bits() == 0);
    CHECK(prefix("::/0").family() == Family::v6);
    CHECK(prefix("fd66::1/128").bits() == 128);
}

TEST_CASE("an address alone is one host") {
    CHECK(prefix("10.0.0.1") == prefix("10.0.0.1/32"));
    CHECK(prefix("fd66::1") == prefix("fd66::1/128"));
}

TEST_CASE("what is no prefix is refused") {
    for (const std::string_view text : {"",
                                        "/",
                                        "/24",
                                        "10.0.0.1/",
                                        "10.0.0.1/33",
                                        "10.0.0.1/-1",
                                        "10.0.0.1/+1",
                                        "10.0.0.1/08",
                                        "10.0.0.1/8 ",
                                        "10.0.0.1 /8",
                                        "10.0.0.1/8/8",
                                        "10.0.0.1/255.0.0.0",
                                        "10.0.0/8",
                                        "10/8",
                                        "::/129",
                                        "::1/0128",
                                        "::/",
                                        "::/x",
                                        "[::]/0",
                                        "any",
                                        "10.0.0.1/4294967296"}) {
        CAPTURE(text);
        CHECK_FALSE(Prefix::parse(text));
    }
}

TEST_CASE("a prefix is always written with its bits, and keeps the bits of the host") {
    CHECK(prefix("10.66.0.2/24").to_string() == "10.66.0.2/24");
    CHECK(prefix("10.66.0.2").to_string() == "10.66.0.2/32");
    CHECK(prefix("FD66:0::1/64").to_string() == "fd66::1/64");
    CHECK(prefix("10.66.0.2/24").network().to_string() == "10.66.0.0/24");
    CHECK(prefix("fd66::1:2:3:4/64").network().to_string() == "fd66::/64");
    CHECK(prefix("1.2.3.4/0").network().to_string() == "0.0.0.0/0");
    CHECK(prefix("10.66.0.2/24") != prefix("10.66.0.0/24"));
    CHECK(prefix("10.66.0.2/24").network() == prefix("10.66.0.0/24"));
}

TEST_CASE("a prefix of every length is read as it was written") {
    for (unsigned bits = 0; bits <= 32; ++bits)
        CHECK(prefix(Prefix(address("203.0.113.77"), bits).to_string()) == Prefix(address("203.0.113.77"), bits));
    for (unsigned bits = 0; bits <= 128; ++bits)
        CHECK(prefix(Prefix(address("2001:db8::77"), bits).to_string()) == Prefix(address("2001:db8::77"), bits));
}

TEST_CASE("a prefix contains the addresses that begin as it does") {
    CHECK(prefix("10.66.0.2/24").contains(address("10.66.0.255")));
    CHECK_FALSE(prefix("10.66.0.2/24").contains(address("10.66.1.0")));
    CHECK(prefix("0.0.0.0/0").contains(address("255.1.2.3")));
    CHECK_FALSE(prefix("0.0.0.0/0").contains(address("::")));
    CHECK_FALSE(prefix("::/0").contains(address("0.0.0.0")));
    CHECK(prefix("1.2.3.4/32").contains(address("1.2.3.4")));
    CHECK_FALSE(prefix("1.2.3.4/32").contains(address("1.2.3.5")));
    CHECK(prefix("fd66::/127").contains(address("fd66::1")));
    CHECK_FALSE(prefix("fd66::/127").contains(address("fd66::2")));
}

TEST_CASE("containment is what it is bit for bit, for random prefixes of every length") {
    std::mt19937 generator(3); // the same every time
    for (unsigned bits = 0; bits <= 128; ++bits) {
        for (unsigned differing = 0; differing < 128; ++differing) {
            ByteArray<16> bytes{};
            for (std::byte& byte : bytes) byte = static_cast<std::byte>(generator() & 0xffU);
            const Prefix net(IpAddress::v6(bytes), bits);
            bytes[differing / 8] ^= static_cast<std::byte>(0x80U >> differing % 8);
            const IpAddress other = IpAddress::v6(bytes);
            REQUIRE(net.contains(other) == shares_bits(net, other));
            REQUIRE(net.contains(other) == (differing >= bits));
        }
    }
}

TEST_CASE("two prefixes overlap if one lies in the other, whichever comes first") {
    const auto overlap = [](std::string_view a, std::string_view b) {
        CHECK(prefix(a).overlaps(prefix(b)) == prefix(b).overlaps(prefix(a)));
        return prefix(a).overlaps(prefix(b));
    };
    CHECK(overlap("10.0.0.0/8", "10.66.0.0/16"));
    CHECK(overlap("10.66.0.2/24", "10.66.0.9/24"));
    CHECK(overlap("0.0.0.0/0", "192.0.2.1/32"));
    CHECK_FALSE(overlap("10.0.0.0/24", "10.0.1.0/24"));
    CHECK_FALSE(overlap("0.0.0.0/1", "128.0.0.0/1"));
    CHECK_FALSE(overlap("0.0.0.0/0", "::/0"));
    CHECK(overlap("::/0", "fd66::/64"));
    CHECK_FALSE(overlap("fd66::/64", "fd66:0:0:1::/64"));
}
