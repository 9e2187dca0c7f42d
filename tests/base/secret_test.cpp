// Secrets: moved, wiped, compared in constant time.
#include "common/base/secret.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <new>
#include <type_traits>

using namespace vpn;

namespace {

using Four = Secret<4>;

ByteArray<4> bytes(int a, int b, int c, int d) {
    return {static_cast<std::byte>(a), static_cast<std::byte>(b), static_cast<std::byte>(c), static_cast<std::byte>(d)};
}

bool holds(const Four& secret, const ByteArray<4>& expected) {
    return std::equal(expected.begin(), expected.end(), secret.view().begin());
}

} // namespace

TEST_CASE("a secret is never copied by accident") {
    static_assert(!std::is_copy_constructible_v<Four> && !std::is_copy_assignable_v<Four>);
    static_assert(std::is_nothrow_move_constructible_v<Four> && std::is_nothrow_move_assignable_v<Four>);
    static_assert(!std::is_convertible_v<ByteArray<4>, Four>);
    static_assert(!std::is_convertible_v<Four, Bytes>);
}

TEST_CASE("a secret begins as zeros") {
    CHECK(Four().is_zero());
    CHECK_FALSE(Four(bytes(0, 0, 0, 1)).is_zero());
    CHECK_FALSE(Four(bytes(1, 0, 0, 0)).is_zero());
}

TEST_CASE("a secret that was moved from is zeros") {
    Four first(bytes(1, 2, 3, 4));
    Four second = std::move(first);
    CHECK(first.is_zero()); // NOLINT(bugprone-use-after-move): a promise of Secret
    CHECK(holds(second, bytes(1, 2, 3, 4)));
    Four third(bytes(9, 9, 9, 9));
    third = std::move(second);
    CHECK(second.is_zero()); // NOLINT(bugprone-use-after-move)
    CHECK(holds(third, bytes(1, 2, 3, 4)));
}

TEST_CASE("a secret moved onto itself stays") {
    Four secret(bytes(1, 2, 3, 4));
    Four& same = secret;
    secret = std::move(same);
    CHECK(holds(secret, bytes(1, 2, 3, 4)));
}

TEST_CASE("a clone is a second secret") {
    Four first(bytes(1, 2, 3, 4));
    Four second = first.clone();
    first.clear();
    CHECK(first.is_zero());
    CHECK(holds(second, bytes(1, 2, 3, 4)));
}

TEST_CASE("a secret wipes its memory when it goes") {
    alignas(Four) ByteArray<sizeof(Four)> memory{};
    std::construct_at(reinterpret_cast<Four*>(memory.data()), bytes(1, 2, 3, 4));
    REQUIRE(memory == bytes(1, 2, 3, 4));
    std::destroy_at(std::launder(reinterpret_cast<Four*>(memory.data())));
    CHECK(memory == bytes(0, 0, 0, 0));
}

TEST_CASE("bytes are equal when all of them are, and only then") {
    CHECK(equal_in_constant_time({}, {}));
    CHECK_FALSE(equal_in_constant_time(bytes(1, 2, 3, 4), Bytes(bytes(1, 2, 3, 4)).first(3)));
    const auto one = bytes(0x00, 0x7f, 0x80, 0xff);
    CHECK(equal_in_constant_time(one, bytes(0x00, 0x7f, 0x80, 0xff)));
    for (unsigned bit = 0; bit < 32; ++bit) {
        auto other = one;
        other[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        CHECK_FALSE(equal_in_constant_time(one, other));
        CHECK_FALSE(equal_in_constant_time(Four(one), Four(other)));
    }
    CHECK(equal_in_constant_time(Four(one), Four(one)));
}
