// A rate that traffic is held to by dropping what is over it: a token bucket, kept as the one instant at which it is full again.
// Data threads take from it at the same time, without a lock; without a rate it costs them one branch.
// Refuses to know: what the packets are, and what becomes of those that it refuses.
#pragma once

#include "common/base/strong.hpp"
#include "common/base/time.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace vpn::protocol {

class TokenBucket {
  public:
    /// What a bucket holds: so much time's worth of its rate, and a batch of packets at least.
    static constexpr Duration depth = std::chrono::milliseconds(100);
    static constexpr std::size_t depth_bytes_min = 32768;

    /// Control thread. None: everything passes. The same rate again changes nothing; another begins with a full bucket.
    void set_rate(std::optional<BitRate> rate) {
        const std::uint64_t bits = rate ? std::max<std::uint64_t>(rate->value, 1) : 0;
        if (bits == bits_per_second_.load(std::memory_order_relaxed)) return;
        full_at_.store(0, std::memory_order_relaxed);
        bits_per_second_.store(bits, std::memory_order_relaxed);
    }

    [[nodiscard]] bool has_rate() const { return bits_per_second_.load(std::memory_order_relaxed) != 0; }

    /// Takes a packet of so many bytes. False if it is over the rate: nothing was taken. Thread-safe.
    [[nodiscard]] bool take(std::size_t bytes, Boot now) {
        const std::uint64_t rate = bits_per_second_.load(std::memory_order_relaxed);
        if (rate == 0) return true;
        const std::int64_t at = now.time_since_epoch().count();
        const std::int64_t latest = at + std::max<std::int64_t>(depth.count(), time_for(depth_bytes_min, rate));
        const std::int64_t cost = time_for(bytes, rate);
        std::int64_t full_at = full_at_.load(std::memory_order_relaxed);
        for (;;) {
            const std::int64_t after = std::max(full_at, at) + cost;
            if (after > latest) return false;
            if (full_at_.compare_exchange_weak(full_at, after, std::memory_order_relaxed)) return true;
        }
    }

  private:
    /// In nanoseconds. No packet is so large that this overflows.
    static std::int64_t time_for(std::size_t bytes, std::uint64_t bits_per_second) {
        return static_cast<std::int64_t>(std::uint64_t{bytes} * 8 * 1'000'000'000 / bits_per_second);
    }

    std::atomic<std::uint64_t> bits_per_second_{0};
    std::atomic<std::int64_t> full_at_{0};
};

} // namespace vpn::protocol
