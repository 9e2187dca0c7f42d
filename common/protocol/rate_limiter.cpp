#include "common/protocol/rate_limiter.hpp"

#include <algorithm>

namespace vpn::protocol {

bool RateLimiter::allow(const IpAddress& address, Boot now) {
    const IpAddress source = address.is_v4() ? address : address.masked(64);
    const auto found = full_at_.find(source);
    if (found == full_at_.end()) {
        if (full_at_.size() >= entries_max) forget_idle(now);
        if (full_at_.size() >= entries_max) return false;
        full_at_.emplace(source, now + per_handshake);
        return true;
    }
    const Boot full_at = std::max(found->second, now) + per_handshake;
    if (full_at - now > burst) return false;
    found->second = full_at;
    return true;
}

void RateLimiter::forget_idle(Boot now) {
    if (now < next_sweep_) return; // a full table is swept at most once a burst's time, not once a packet
    next_sweep_ = now + burst;
    std::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
}

} // namespace vpn::protocol
