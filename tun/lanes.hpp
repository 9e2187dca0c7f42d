// Which jobs must keep their order: those that share a lane. What a packet belongs to (a place that it goes to or comes from) has
// one lane of a fixed number, by a hash, so that telling a job's lanes takes no look-up; two that fall into one lane by chance,
// or by somebody's will, are only kept in an order that they would not need. Refuses to know: what is hashed.
#pragma once

#include "common/base/bytes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vpn::tun {

/// A set of lanes. The empty one shares nothing with any.
class Lanes {
  public:
    static constexpr std::size_t count = 1024;

    static Lanes all() {
        Lanes lanes;
        lanes.words_.fill(~std::uint64_t{0});
        return lanes;
    }

    /// Adds the lane of what `name` and `number` name together.
    void add(Bytes name, std::uint64_t number = 0) {
        for (; !name.empty(); name = name.subspan(std::min<std::size_t>(8, name.size()))) {
            std::uint64_t word = 0;
            std::memcpy(&word, name.data(), std::min<std::size_t>(8, name.size()));
            number = (number ^ word) * odd;
            number ^= number >> 32U;
        }
        const std::uint64_t lane = (number * odd) >> (64U - std::countr_zero(count));
        words_[lane / 64] |= std::uint64_t{1} << (lane % 64);
    }
    Lanes& operator|=(const Lanes& others) {
        for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= others.words_[i];
        return *this;
    }

    [[nodiscard]] bool share(const Lanes& others) const {
        std::uint64_t both = 0;
        for (std::size_t i = 0; i < words_.size(); ++i) both |= words_[i] & others.words_[i];
        return both != 0;
    }
    friend bool operator==(const Lanes&, const Lanes&) = default;

  private:
    static constexpr std::uint64_t odd =
        0x9e3779b97f4a7c15; ///< 2^64 by the golden ratio: its product spreads the low bits upwards
    std::array<std::uint64_t, count / 64> words_{};
};

} // namespace vpn::tun
