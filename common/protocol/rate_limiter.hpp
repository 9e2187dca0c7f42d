// How many handshakes one address may ask for while we are under load (PROTOCOL 3): 20 a second, 5 at once.
// An IPv6 host owns a /64, so that is what counts. The table is bounded; entries that are full again are forgotten first.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <unordered_map>

namespace vpn::protocol {

class RateLimiter {
  public:
    static constexpr Duration per_handshake = std::chrono::milliseconds(50);
    static constexpr Duration burst = 5 * per_handshake;
    static constexpr std::size_t entries_max = 16384;

    /// Takes one handshake off the address's allowance. False if there is none left, or no room to remember the address.
    [[nodiscard]] bool allow(const IpAddress& address, Boot now);

  private:
    void forget_idle(Boot now);
    /// When the allowance will be full again: one value says both how much is left and whether the entry still matters.
    std::unordered_map<IpAddress, Boot> full_at_;
    Boot next_sweep_{};
};

} // namespace vpn::protocol
