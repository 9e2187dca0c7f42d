// Randomness that a test can have again: splitmix64 from a seed. Good dice, no secrets.
#pragma once

#include "common/base/random.hpp"

#include <cstdint>

namespace vpn::support {

class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

    void fill(MutableBytes out) override {
        for (std::byte& each : out) each = static_cast<std::byte>(next() >> 56U);
    }
    /// 0 to `bound` - 1. Requires: bound > 0.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    /// True `percent` times in a hundred.
    bool chance(unsigned percent) { return below(100) < percent; }
    ByteVector bytes(std::size_t size) {
        ByteVector out(size);
        fill(out);
        return out;
    }
    template <std::size_t N> ByteArray<N> array() {
        ByteArray<N> out{};
        fill(out);
        return out;
    }

  private:
    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111ebU;
        return mixed ^ mixed >> 31U;
    }
    std::uint64_t state_;
};

} // namespace vpn::support
