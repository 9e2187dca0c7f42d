// The system's randomness: only that it fills everything, and doesn't repeat itself.
#include "common/crypto/system_random.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace vpn;
using namespace vpn::crypto;

TEST_CASE("every byte of what is filled is random, whatever its size") {
    SystemRandom random;
    for (const std::size_t size : {1U, 7U, 32U, 1000U}) {
        CAPTURE(size);
        ByteVector seen(size);
        for (int i = 0; i < 64; ++i) {
            ByteVector bytes(size);
            random.fill(bytes);
            for (std::size_t k = 0; k < size; ++k) seen[k] |= bytes[k];
        }
        // 64 draws leave a bit unset with a probability of 2^-64.
        CHECK(std::all_of(seen.begin(), seen.end(), [](std::byte byte) { return byte == std::byte{0xff}; }));
    }
}

TEST_CASE("filling nothing writes nothing") {
    SystemRandom random;
    ByteArray<2> guard{std::byte{1}, std::byte{2}};
    random.fill(MutableBytes(guard).subspan(1, 0));
    CHECK(guard == ByteArray<2>{std::byte{1}, std::byte{2}});
}

TEST_CASE("two sources don't give the same numbers") {
    SystemRandom first;
    SystemRandom second;
    std::set<std::uint64_t> numbers;
    for (int i = 0; i < 100; ++i) {
        numbers.insert(first.next_u64());
        numbers.insert(second.next_u64());
    }
    CHECK(numbers.size() == 200);
}
