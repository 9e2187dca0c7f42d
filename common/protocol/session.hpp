// One session between two keys: its keys, its names on both sides, its age and its count of sent messages.
// Data threads use it directly and at the same time; what changes in it is atomic.
// Refuses to know: which slot it is in (keyring), where its packets go, what was received before (replay_window).
#pragma once

#include "common/base/prefetch.hpp"
#include "common/base/strong.hpp"
#include "common/base/time.hpp"
#include "common/protocol/constants.hpp"
#include "common/protocol/session_keys.hpp"

#include <atomic>
#include <optional>

namespace vpn::protocol {

/// Names a peer as long as the device lives; never used twice.
using PeerId = Strong<struct PeerIdTag, std::uint32_t>;

enum class Role : std::uint8_t { initiator, responder };

/// What a packet touches fills two lines of the cache: its own names and counts, and the keys.
class alignas(cache_line) Session {
  public:
    Session(PeerId peer, Role role, LocalIndex local, RemoteIndex remote, SessionKeys keys, Boot born)
        : peer_(peer), local_(local), remote_(remote), role_(role), confirmed_(role == Role::initiator), born_(born),
          keys_(std::move(keys)) {}

    [[nodiscard]] PeerId peer() const { return peer_; }
    [[nodiscard]] Role role() const { return role_; }
    [[nodiscard]] LocalIndex local() const { return local_; }
    [[nodiscard]] RemoteIndex remote() const { return remote_; }
    [[nodiscard]] const SessionKeys& keys() const { return keys_; }
    [[nodiscard]] Boot born() const { return born_; }

    /// Past its 180 seconds, or out of numbers: seals and opens nothing any more.
    [[nodiscard]] bool expired(Boot now) const {
        return now - born_ >= reject_after_time || next_counter_.load(std::memory_order_relaxed) >= reject_after_messages;
    }

    /// Takes `count` consecutive counters for sending; gives the first. None once expired. Thread-safe: no counter is given
    /// twice.
    [[nodiscard]] std::optional<std::uint64_t> take_counters(std::uint64_t count, Boot now) {
        if (expired(now)) return std::nullopt;
        // Threads that pass the check together overshoot by a few batches; the limit lies 2^13 below the end of the numbers.
        const std::uint64_t first = next_counter_.fetch_add(count, std::memory_order_relaxed);
        if (first >= reject_after_messages || count > reject_after_messages - first) return std::nullopt;
        return first;
    }

    /// True once in the session's life: it is old or used enough to be renewed by us, seen when sending.
    [[nodiscard]] bool asks_rekey_after_sending(Boot now) {
        const bool old = role_ == Role::initiator && now - born_ >= rekey_after_time;
        return (old || next_counter_.load(std::memory_order_relaxed) > rekey_after_messages) && !rekey_asked_.exchange(true);
    }
    /// The same, seen when receiving.
    [[nodiscard]] bool asks_rekey_after_receiving(Boot now) {
        return role_ == Role::initiator && now - born_ >= rekey_on_receive_after && !rekey_asked_.exchange(true);
    }
    /// A renewal that was asked for has failed: it may be asked for again.
    void forget_rekey() { rekey_asked_.store(false); }

    /// True for the first authentic packet on a responder's session: it proves that the initiator has the keys.
    [[nodiscard]] bool confirm() { return !confirmed_.load(std::memory_order_relaxed) && !confirmed_.exchange(true); }
    [[nodiscard]] bool confirmed() const { return confirmed_.load(); }

    /// For tests of the limits. Nothing else sets a counter.
    void skip_counters_to(std::uint64_t counter) { next_counter_.store(counter); }

  private:
    const PeerId peer_;
    const LocalIndex local_;
    const RemoteIndex remote_;
    const Role role_;
    std::atomic<bool> rekey_asked_{false};
    std::atomic<bool> confirmed_;
    const Boot born_;
    std::atomic<std::uint64_t> next_counter_{0};
    const SessionKeys keys_;
};

} // namespace vpn::protocol
