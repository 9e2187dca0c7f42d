// TAI64N: the twelve-byte timestamp of an initiation (WireGuard paper 5.1), big-endian, so that bytes compare as times do.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/time.hpp"

#include <compare>

namespace vpn::crypto {

/// Seconds since 1970 plus 2^62 + 10, then nanoseconds rounded down to a multiple of 2^24, so that it tells little of our clock.
struct Tai64n {
    ByteArray<12> bytes{};
    static Tai64n from(Wall wall);
    /// The next one that is told apart: 2^24 nanoseconds later, with carry.
    [[nodiscard]] Tai64n next() const;
    friend auto operator<=>(const Tai64n&, const Tai64n&) = default;
};

} // namespace vpn::crypto
