// Integers in bytes, in both orders.
#include "common/base/bytes.hpp"

#include <doctest/doctest.h>

using namespace vpn;

namespace {

template <class... Values> ByteArray<sizeof...(Values)> bytes(Values... values) { return {static_cast<std::byte>(values)...}; }

template <class T> ByteArray<sizeof(T)> little(T value) {
    ByteArray<sizeof(T)> out{};
    store_le(out.data(), value);
    return out;
}

template <class T> ByteArray<sizeof(T)> big(T value) {
    ByteArray<sizeof(T)> out{};
    store_be(out.data(), value);
    return out;
}

} // namespace

TEST_CASE("little-endian integers have their least byte first") {
    CHECK(little<std::uint8_t>(0xab) == bytes(0xab));
    CHECK(little<std::uint16_t>(0x0102) == bytes(2, 1));
    CHECK(little<std::uint32_t>(0x01020304) == bytes(4, 3, 2, 1));
    CHECK(little<std::uint64_t>(0x0102030405060708) == bytes(8, 7, 6, 5, 4, 3, 2, 1));
}

TEST_CASE("big-endian integers have their greatest byte first") {
    CHECK(big<std::uint8_t>(0xab) == bytes(0xab));
    CHECK(big<std::uint16_t>(0x0102) == bytes(1, 2));
    CHECK(big<std::uint32_t>(0x01020304) == bytes(1, 2, 3, 4));
    CHECK(big<std::uint64_t>(0x0102030405060708) == bytes(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST_CASE("what was stored is loaded again, from any address") {
    ByteArray<16> buffer{};
    for (std::size_t at = 0; at <= 8; ++at) {
        store_le<std::uint64_t>(buffer.data() + at, 0xfedcba9876543210);
        CHECK(load_le<std::uint64_t>(buffer.data() + at) == 0xfedcba9876543210);
        CHECK(load_be<std::uint64_t>(buffer.data() + at) == 0x1032547698badcfe);
        store_be<std::uint32_t>(buffer.data() + at, 0xdeadbeef);
        CHECK(load_be<std::uint32_t>(buffer.data() + at) == 0xdeadbeef);
        CHECK(load_le<std::uint32_t>(buffer.data() + at) == 0xefbeadde);
    }
}

TEST_CASE("a store touches only the bytes of its integer") {
    auto buffer = bytes(9, 9, 9, 9);
    store_le<std::uint16_t>(buffer.data() + 1, 0);
    CHECK(buffer == bytes(9, 0, 0, 9));
}

TEST_CASE("the bytes of a text are its characters, without a terminator") {
    CHECK(bytes_of("mac1").size() == 4);
    CHECK(bytes_of("mac1")[0] == std::byte{'m'});
    CHECK(bytes_of("").empty());
    CHECK(bytes_of(std::string_view("a\0b", 3)).size() == 3);
}

TEST_CASE("copying fills the front and leaves the rest") {
    auto to = bytes(9, 9, 9);
    const auto from = bytes(1, 2);
    copy(from, to);
    CHECK(to == bytes(1, 2, 9));
    copy({}, to);
    CHECK(to == bytes(1, 2, 9));
}
