// What passes between the data path and the timers of one peer: four instants, two sums, and why packets died (PROTOCOL 3); and
// what the peer may still send and receive. Data threads write, the control thread reads at its deadlines; the first thing owed
// raises a notice, the next million don't. Refuses to know: deadlines. `timers` does the arithmetic.
#pragma once

#include "common/base/prefetch.hpp"
#include "common/base/strong.hpp"
#include "common/base/time.hpp"
#include "common/protocol/drop.hpp"
#include "common/protocol/token_bucket.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

namespace vpn::protocol {

/// What a data thread tells the control thread about a peer: a set of bits.
enum class Notice : std::uint32_t {
    none = 0,
    wants_handshake = 1, ///< a packet is staged, or a session asks to be renewed
    confirmed = 2,       ///< the first authentic packet came in on a responder's session
    armed = 4,           ///< a keepalive or an answer is owed; nothing was before
    moved = 8,           ///< an authentic packet came from elsewhere
    spent = 16,          ///< the last byte of the peer's quota is used
};
constexpr Notice operator|(Notice a, Notice b) {
    return static_cast<Notice>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr Notice& operator|=(Notice& a, Notice b) { return a = a | b; }
constexpr bool has(Notice set, Notice bit) { return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(bit)) != 0; }

/// Thread-safe throughout. What a packet touches fills two lines of the cache.
class alignas(cache_line) Activity {
  public:
    /// An authenticated packet left: data, or a keepalive.
    [[nodiscard]] Notice sent(bool data, Boot now) {
        last_sent_.set(now);
        keepalive_owed_since_.clear();
        return data && unanswered_since_.set_if_none(now) ? arm() : Notice::none;
    }
    /// An authenticated packet came: data, or a keepalive.
    [[nodiscard]] Notice received(bool data, Boot now) {
        last_received_.set(now);
        unanswered_since_.clear();
        return data && keepalive_owed_since_.set_if_none(now) ? arm() : Notice::none;
    }
    /// A handshake message left or came: it is traffic, and an answer, and owes nothing.
    void sent_handshake(Boot now) {
        last_sent_.set(now);
        keepalive_owed_since_.clear();
    }
    void received_handshake(Boot now) {
        last_received_.set(now);
        unanswered_since_.clear();
    }

    [[nodiscard]] std::optional<Boot> unanswered_since() const { return unanswered_since_.get(); }
    [[nodiscard]] std::optional<Boot> keepalive_owed_since() const { return keepalive_owed_since_.get(); }
    [[nodiscard]] std::optional<Boot> last_sent() const { return last_sent_.get(); }
    [[nodiscard]] std::optional<Boot> last_received() const { return last_received_.get(); }
    void forget_unanswered() { unanswered_since_.clear(); }
    void forget_keepalive() { keepalive_owed_since_.clear(); }

    /// Control: true if nothing is owed, and the next debt raises a notice again. False if something is: keep a deadline.
    [[nodiscard]] bool disarm_if_idle() {
        armed_.store(false);
        if (!unanswered_since_.get() && !keepalive_owed_since_.get()) return true;
        armed_.store(true);
        return false;
    }

    /// Bytes of UDP payload, handshakes and padding included. Raises `spent` once, when the quota is used up.
    Notice count_sent(std::uint64_t bytes) {
        sent_bytes_.fetch_add(bytes, std::memory_order_relaxed);
        return spend(bytes);
    }
    Notice count_received(std::uint64_t bytes) {
        received_bytes_.fetch_add(bytes, std::memory_order_relaxed);
        return spend(bytes);
    }
    [[nodiscard]] ByteCount sent_bytes() const { return {sent_bytes_.load(std::memory_order_relaxed)}; }
    [[nodiscard]] ByteCount received_bytes() const { return {received_bytes_.load(std::memory_order_relaxed)}; }
    /// What was the peer's, or said that it was, and died of `reason`.
    void count_drop(Drop reason) { drops_.add(reason); }
    [[nodiscard]] DropCounts drops() const { return drops_.read(); }

    /// Control: so many bytes more, of both directions together. None: no end.
    void set_quota_left(std::optional<ByteCount> left) {
        metered_.store(false);
        spent_.store(false);
        left_.store(left ? static_cast<std::int64_t>(std::min<std::uint64_t>(left->value, quota_max)) : 0);
        metered_.store(left.has_value());
    }
    /// It is used up, and no other was set since.
    [[nodiscard]] bool quota_is_spent() const { return spent_.load(); }
    /// What each direction's inner packets are held to.
    [[nodiscard]] TokenBucket& sending_rate() { return sending_rate_; }
    [[nodiscard]] TokenBucket& receiving_rate() { return receiving_rate_; }
    /// Asks for what a packet will touch.
    void expect() const { prefetch(*this, 2 * cache_line); }

  private:
    /// An instant that may be missing. Zero is none: nothing happens in the nanosecond of boot.
    class Instant {
      public:
        void set(Boot at) { value_.store(at.time_since_epoch().count(), std::memory_order_relaxed); }
        bool set_if_none(Boot at) {
            std::int64_t none = 0;
            return value_.load(std::memory_order_relaxed) == 0 &&
                   value_.compare_exchange_strong(none, at.time_since_epoch().count());
        }
        void clear() {
            if (value_.load(std::memory_order_relaxed) != 0) value_.store(0);
        }
        [[nodiscard]] std::optional<Boot> get() const {
            const std::int64_t value = value_.load();
            return value == 0 ? std::nullopt : std::optional(Boot(Duration(value)));
        }

      private:
        std::atomic<std::int64_t> value_{0};
    };

    Notice arm() { return !armed_.load() && !armed_.exchange(true) ? Notice::armed : Notice::none; }

    static constexpr std::uint64_t quota_max = std::numeric_limits<std::int64_t>::max();

    Notice spend(std::uint64_t bytes) {
        if (!metered_.load(std::memory_order_relaxed)) return Notice::none;
        const auto cost = static_cast<std::int64_t>(bytes);
        const bool over = left_.fetch_sub(cost, std::memory_order_relaxed) <= cost;
        return over && !spent_.exchange(true) ? Notice::spent : Notice::none;
    }

    Instant last_sent_;
    Instant last_received_;
    Instant unanswered_since_;
    Instant keepalive_owed_since_;
    std::atomic<std::uint64_t> sent_bytes_{0};
    std::atomic<std::uint64_t> received_bytes_{0};
    std::atomic<bool> armed_{false};
    std::atomic<bool> metered_{false};
    std::atomic<bool> spent_{false};
    std::atomic<std::int64_t> left_{0};
    TokenBucket sending_rate_;
    TokenBucket receiving_rate_;
    SharedDropCounts drops_;
};

} // namespace vpn::protocol
