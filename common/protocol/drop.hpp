// Why a packet died. Counted by whoever owns the socket; never thrown, never logged one by one.
#pragma once

#include <tl/expected.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vpn::protocol {

enum class Drop : std::uint8_t {
    malformed,       ///< length, type or reserved bytes are wrong, or what should be a KEM key is none
    bad_mac1,        ///< not meant for our key, or noise
    bad_mac2,        ///< under load, and without a valid cookie: a cookie went back
    rate_limited,    ///< under load, with a valid cookie, but too many from there
    queue_full,      ///< more handshakes wait than we hold
    bad_tag,         ///< does not decrypt
    low_order_key,   ///< a key agreement came out as zeros
    unknown_peer,    ///< a valid initiation of a key that isn't ours to serve
    wrong_suite,     ///< a peer's handshake in another suite than its configuration has
    peer_disabled,   ///< an authentic initiation of a peer that is switched off
    peer_expired,    ///< of one whose time is over
    over_quota,      ///< of one that has used up its traffic
    old_timestamp,   ///< an initiation not newer than the last: replayed, or a clock that went back
    too_soon,        ///< a second initiation within 20 ms
    unknown_session, ///< no session has this index
    replayed,        ///< counter seen already, or too old
    expired,         ///< the session is past its time or its messages
    wrong_source,    ///< the inner source address belongs to another peer, or to none
    not_ip,          ///< what was inside is no IP packet
    no_route,        ///< no peer takes this destination
    no_endpoint,     ///< the peer's address is not known yet
    stage_full,      ///< waited for a handshake longer than the queue is
    no_memory,       ///< this machine has no memory left for it
    congested,       ///< a router on the way marked it, and its sender knows no marks (RFC 6040)
    over_rate,       ///< more than the peer's rate in this direction
    unsent,          ///< the kernel did not take it for the network
    undelivered,     ///< the kernel did not take it for the machine
};
inline constexpr std::size_t drop_reasons = static_cast<std::size_t>(Drop::undelivered) + 1;

/// The reason's name in status output and metrics, e.g. `bad-mac1`.
std::string_view name_of(Drop drop);

template <class T> using Checked = tl::expected<T, Drop>;
inline tl::unexpected<Drop> dropped(Drop reason) { return tl::unexpected<Drop>(reason); }

/// How many packets died of what. A plain table; who shares it between threads keeps one a thread and adds them up.
struct DropCounts {
    std::array<std::uint64_t, drop_reasons> counts{};
    void add(Drop reason) { ++counts[static_cast<std::size_t>(reason)]; }
    [[nodiscard]] std::uint64_t of(Drop reason) const { return counts[static_cast<std::size_t>(reason)]; }
};

/// The same for one peer, of all threads together: packets die seldom enough to share a line of the cache. Thread-safe.
class SharedDropCounts {
  public:
    void add(Drop reason) { counts_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] DropCounts read() const {
        DropCounts sum;
        for (std::size_t i = 0; i < counts_.size(); ++i) sum.counts[i] = counts_[i].load(std::memory_order_relaxed);
        return sum;
    }

  private:
    std::array<std::atomic<std::uint64_t>, drop_reasons> counts_{};
};

} // namespace vpn::protocol
