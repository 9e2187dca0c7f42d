// Beside the other tests of a program that tests/support/no_aes.cpp is linked into: they mean what they say only if this holds.
#include "common/crypto/aead.hpp"
#include "common/protocol/suite_speed.hpp"

#include <doctest/doctest.h>

#include <ctime>

using namespace vpn;

namespace {

/// Of this thread's time on a processor, whoever else runs: for a hundred packets.
std::int64_t nanoseconds_of(crypto::Aead aead) {
    const auto used = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    };
    const crypto::AeadKey key(ByteArray<32>{});
    const ByteVector packet(1424);
    ByteVector sealed(packet.size() + crypto::tag_size(aead));
    const std::int64_t before = used();
    for (std::uint64_t counter = 0; counter < 100; ++counter) crypto::seal(aead, key, counter, packet, {}, sealed);
    return used() - before;
}

} // namespace

TEST_CASE("a machine without AES instructions knows that AEGIS is slow on it, and suite wireguard is not") {
    CHECK_FALSE(crypto::aegis_is_fast());
    CHECK(protocol::is_slow_here(protocol::Suite::hybrid));
    CHECK_FALSE(protocol::is_slow_here(protocol::Suite::wireguard));
}

TEST_CASE(
    "without AES instructions, AEGIS-256 really is computed another way: slower than ChaCha20-Poly1305, not many times faster") {
    REQUIRE_FALSE(crypto::aegis_is_fast()); // and libsodium has started: before, it computes the slow way anywhere
    CHECK(nanoseconds_of(crypto::Aead::aegis256) > nanoseconds_of(crypto::Aead::chacha20_poly1305));
}
