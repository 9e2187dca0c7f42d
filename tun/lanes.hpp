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

/// One of several equal parts of all lanes.
struct LanePart {
    std::size_t number = 0;
    std::size_t of = 1; ///< a power of two, up to 16
};

/// A set of lanes. The empty one shares nothing with any.
class Lanes {
  public:
    static constexpr std::size_t count = 1024;

    static Lanes all() {
        Lanes lanes;
        lanes.words_.fill(~std::uint64_t{0});
        return lanes;
    }

    /// Adds the lane of what `name` and `number` name together, and says which it is.
    std::size_t add(Bytes name, std::uint64_t number = 0) {
        for (; !name.empty(); name = name.subspan(std::min<std::size_t>(8, name.size()))) {
            std::uint64_t word = 0;
            std::memcpy(&word, name.data(), std::min<std::size_t>(8, name.size()));
            number = (number ^ word) * odd;
            number ^= number >> 32U;
        }
        const std::uint64_t lane = (number * odd) >> (64U - std::countr_zero(count));
        words_[lane / 64] |= std::uint64_t{1} << (lane % 64);
        return lane;
    }
    Lanes& operator|=(const Lanes& others) {
        add_part(others, {});
        return *this;
    }
    /// Those of `others` that are in that part.
    void add_part(const Lanes& others, LanePart part) {
        for (std::size_t i = begin(part); i < end(part); ++i) words_[i] |= others.words_[i];
    }

    [[nodiscard]] bool share(const Lanes& others, LanePart part = {}) const {
        std::uint64_t both = 0;
        for (std::size_t i = begin(part); i < end(part); ++i) both |= words_[i] & others.words_[i];
        return both != 0;
    }
    [[nodiscard]] bool any_in(LanePart part) const { return share(*this, part); }
    /// The number of the part that a lane is in, of so many.
    static std::size_t part_of(std::size_t lane, std::size_t parts) { return lane * parts / count; }
    friend bool operator==(const Lanes&, const Lanes&) = default;

  private:
    static std::size_t begin(LanePart part) { return part.number * (count / 64) / part.of; }
    static std::size_t end(LanePart part) { return (part.number + 1) * (count / 64) / part.of; }
    static constexpr std::uint64_t odd =
        0x9e3779b97f4a7c15; ///< 2^64 by the golden ratio: its product spreads the low bits upwards
    std::array<std::uint64_t, count / 64> words_{};
};

} // namespace vpn::tun
