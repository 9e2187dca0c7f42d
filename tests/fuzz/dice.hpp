// Choices that the fuzzer makes. When its bytes are used up, every choice is the first.
#pragma once

#include "common/base/bytes.hpp"

#include <cstdint>

namespace vpn::fuzz {

class Dice {
  public:
    explicit Dice(Bytes bytes) : bytes_(bytes) {}

    /// 0 to `bound` - 1. Requires: bound > 0.
    std::uint64_t below(std::uint64_t bound) {
        std::uint64_t value = 0;
        for (std::uint64_t reach = 1; reach < bound; reach <<= 8U) value = value << 8U | next();
        return value % bound;
    }

  private:
    std::uint8_t next() {
        if (bytes_.empty()) return 0;
        const auto value = std::to_integer<std::uint8_t>(bytes_.front());
        bytes_ = bytes_.subspan(1);
        return value;
    }
    Bytes bytes_;
};

} // namespace vpn::fuzz
