// Which counters were seen (PROTOCOL 3; RFC 6479): a ring of 8192 bits that slides with the greatest counter.
// Ask it only after the packet proved authentic: a forged counter must not move the window.
// Not thread-safe: whoever shares a session between threads holds a lock around accept.
#pragma once

#include "common/base/prefetch.hpp"

#include <array>
#include <cstdint>

namespace vpn::protocol {

class ReplayWindow {
  public:
    /// How far behind the greatest counter a late packet may be: the ring less one word, which is cleared ahead of time.
    static constexpr std::uint64_t reach = 8192 - 64;

    /// True once for every counter that is new and not more than `reach` behind the greatest.
    [[nodiscard]] bool accept(std::uint64_t counter) {
        if (counter > greatest_) {
            slide_to(counter);
        } else if (greatest_ - counter > reach) {
            return false;
        }
        std::uint64_t& word = ring_[counter / 64 % words];
        const std::uint64_t bit = std::uint64_t{1} << (counter % 64);
        if ((word & bit) != 0) return false;
        word |= bit;
        return true;
    }

    [[nodiscard]] std::uint64_t greatest() const { return greatest_; }
    /// Asks for what accept will touch.
    void expect(std::uint64_t counter) const {
        prefetch(greatest_);
        prefetch(ring_[counter / 64 % words]);
    }

  private:
    static constexpr std::uint64_t words = 8192 / 64;

    void slide_to(std::uint64_t counter) {
        const std::uint64_t from = greatest_ / 64;
        const std::uint64_t to = counter / 64;
        const std::uint64_t fresh = to - from < words ? to - from : words;
        for (std::uint64_t i = 1; i <= fresh; ++i) ring_[(from + i) % words] = 0;
        greatest_ = counter;
    }

    std::uint64_t greatest_ = 0;
    std::array<std::uint64_t, words> ring_{};
};

} // namespace vpn::protocol
