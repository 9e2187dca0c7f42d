// Where randomness comes from: an argument.
#pragma once

#include "common/base/bytes.hpp"

#include <cstdint>

namespace vpn {

/// A source of random bytes. `crypto::SystemRandom` is the real one; tests inject their own.
class Random {
  public:
    Random() = default;
    Random(const Random&) = delete;
    Random& operator=(const Random&) = delete;
    virtual ~Random() = default;

    /// Fills all of `out`.
    virtual void fill(MutableBytes out) = 0;

    std::uint32_t next_u32() {
        ByteArray<4> bytes{};
        fill(bytes);
        return load_le<std::uint32_t>(bytes.data());
    }
    std::uint64_t next_u64() {
        ByteArray<8> bytes{};
        fill(bytes);
        return load_le<std::uint64_t>(bytes.data());
    }
};

} // namespace vpn
