// When handshakes count as a flood: the queue of those that wait was an eighth full within the last second (PROTOCOL 3).
#pragma once

#include "common/base/time.hpp"
#include "common/protocol/constants.hpp"

#include <cstddef>
#include <optional>

namespace vpn::protocol {

class LoadMeter {
  public:
    /// Looks at the queue; true if we are under load now.
    [[nodiscard]] bool under_load(std::size_t waiting, std::size_t capacity, Boot now) {
        if (waiting * 8 >= capacity && capacity > 0) last_full_ = now;
        return last_full_ && now - *last_full_ < load_hold;
    }

  private:
    std::optional<Boot> last_full_;
};

} // namespace vpn::protocol
