// Base64 as RFC 4648 says, canonical only; hex.
#include "common/base/encoding.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace vpn;

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_base64_of(std::string_view text, std::size_t size) {
    ByteVector out(size);
    return parse_base64(text, out);
}

} // namespace

TEST_CASE("base64 is that of RFC 4648, section 10") {
    CHECK(format_base64(bytes_of("")) == "");
    CHECK(format_base64(bytes_of("f")) == "Zg==");
    CHECK(format_base64(bytes_of("fo")) == "Zm8=");
    CHECK(format_base64(bytes_of("foo")) == "Zm9v");
    CHECK(format_base64(bytes_of("foob")) == "Zm9vYg==");
    CHECK(format_base64(bytes_of("fooba")) == "Zm9vYmE=");
    CHECK(format_base64(bytes_of("foobar")) == "Zm9vYmFy");
}

TEST_CASE("every digit of the alphabet has its value, and no other character has one") {
    for (unsigned c = 0; c < 256; ++c) {
        CAPTURE(c);
        const std::string text{'A', 'A', 'A', static_cast<char>(c)};
        ByteArray<3> out{};
        const std::size_t value = alphabet.find(static_cast<char>(c));
        CHECK(parse_base64(text, out) == (value != std::string_view::npos));
        if (value == std::string_view::npos) continue;
        CHECK(std::to_integer<std::size_t>(out[2]) == value);
        CHECK(format_base64(out) == text);
    }
}

TEST_CASE("a strange character is seen wherever it stands") {
    const std::string good = format_base64(ByteVector(32));
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const char bad : {' ', '\n', '\0', '-', '_', '.', ':', '@', '[', '`', '{', '\x7f', '\x80', '\xff'}) {
            std::string text = good;
            text[at] = bad;
            CHECK_FALSE(is_base64_of(text, 32));
        }
    }
}

TEST_CASE("only the one canonical text of some bytes is taken: stray bits are not ignored") {
    std::size_t one_byte = 0;
    std::size_t two_bytes = 0;
    for (const char last : alphabet) {
        one_byte += is_base64_of(std::string("A") + last + "==", 1) ? 1 : 0;
        two_bytes += is_base64_of(std::string("AA") + last + "=", 2) ? 1 : 0;
    }
    CHECK(one_byte == 4);   // two bits of the last digit count
    CHECK(two_bytes == 16); // four bits do
    CHECK_FALSE(is_base64_of("Zh==", 1));
    CHECK_FALSE(is_base64_of("Zm9=", 2));
}

TEST_CASE("padding is where it belongs, and nowhere else") {
    CHECK(is_base64_of("Zg==", 1));
    for (const std::string_view text : {"Zg=", "Zg", "Zg===", "Zg=A", "Z===", "====", "=g==", "Z=g=", "==Zg"})
        CHECK_FALSE(is_base64_of(text, 1));
    CHECK(is_base64_of("Zm8=", 2));
    for (const std::string_view text : {"Zm8", "Zm=8", "=Zm8", "Zm8A", "Zm=="}) CHECK_FALSE(is_base64_of(text, 2));
    CHECK_FALSE(is_base64_of("Zg==Zg==", 4));
    CHECK_FALSE(is_base64_of("Zm8=", 3));
}

TEST_CASE("text for another number of bytes is refused") {
    for (std::size_t size = 0; size < 40; ++size) {
        const std::string text = format_base64(ByteVector(size));
        CAPTURE(size);
        CHECK(is_base64_of(text, size));
        CHECK_FALSE(is_base64_of(text, size + 1));
        if (size > 0) CHECK_FALSE(is_base64_of(text, size - 1));
        CHECK_FALSE(is_base64_of(text + '\n', size));
        CHECK_FALSE(is_base64_of(text + "AAAA", size));
    }
}

TEST_CASE("bytes come back from base64 and from hex as they went") {
    std::mt19937 generator(1); // the same every time
    for (std::size_t size = 0; size < 70; ++size) {
        ByteVector bytes(size);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(generator() & 0xffU);
        ByteVector out(size);
        REQUIRE(parse_base64(format_base64(bytes), out));
        CHECK(out == bytes);
        std::fill(out.begin(), out.end(), std::byte{});
        REQUIRE(parse_hex(format_hex(bytes), out));
        CHECK(out == bytes);
    }
}

TEST_CASE("hex is written in lower case and read in both") {
    const ByteArray<4> bytes{std::byte{0x00}, std::byte{0x9a}, std::byte{0xbf}, std::byte{0xff}};
    CHECK(format_hex(bytes) == "009abfff");
    for (const std::string_view text : {"009abfff", "009ABFFF", "009aBFfF"}) {
        ByteArray<4> out{};
        REQUIRE(parse_hex(text, out));
        CHECK(out == bytes);
    }
}

TEST_CASE("every hex digit has its value, and no other character has one") {
    for (unsigned c = 0; c < 256; ++c) {
        CAPTURE(c);
        const auto digit = static_cast<char>(c);
        ByteArray<1> high{};
        ByteArray<1> low{};
        const bool is_digit = std::string_view("0123456789abcdefABCDEF").find(digit) != std::string_view::npos;
        CHECK(parse_hex(std::string{digit, '0'}, high) == is_digit);
        CHECK(parse_hex(std::string{'0', digit}, low) == is_digit);
        if (!is_digit) continue;
        const auto value = static_cast<unsigned>(std::stoi(std::string{digit}, nullptr, 16));
        CHECK(std::to_integer<unsigned>(high[0]) == value * 16);
        CHECK(std::to_integer<unsigned>(low[0]) == value);
    }
}

TEST_CASE("hex of another length is refused") {
    ByteArray<2> out{};
    for (const std::string_view text : {"", "0", "00", "000", "00000", "000000", "0x00", "00 0"})
        CHECK_FALSE(parse_hex(text, out));
    CHECK(parse_hex("", MutableBytes()));
}
