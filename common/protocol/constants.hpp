// The protocol's numbers (PROTOCOL 3; WireGuard paper 6.1), each with its unit in its type.
#pragma once

#include "common/base/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace vpn::protocol {

using namespace std::chrono_literals;

inline constexpr std::uint64_t rekey_after_messages = std::uint64_t{1} << 60U;
inline constexpr std::uint64_t reject_after_messages = UINT64_MAX - (std::uint64_t{1} << 13U);
inline constexpr Duration rekey_after_time = 120s;
inline constexpr Duration reject_after_time = 180s;
inline constexpr Duration rekey_timeout = 5s;
inline constexpr Duration rekey_jitter_max = 333ms;
inline constexpr Duration rekey_attempt_time = 90s;
// After a change of the way to a peer (see Timers::handle_new_way).
inline constexpr Duration new_way_spacing = 50ms;
inline constexpr Duration new_way_repetition = 1s;
inline constexpr int new_way_repetitions = 2;
inline constexpr Duration keepalive_timeout = 10s;
/// Receiving on a session this old makes its initiator renew it, so that the answer isn't the last thing it carries.
inline constexpr Duration rekey_on_receive_after = reject_after_time - keepalive_timeout - rekey_timeout;
/// Silence after the first unanswered data packet that makes us try a new handshake.
inline constexpr Duration unanswered_timeout = keepalive_timeout + rekey_timeout;
/// Keys go this long after the last derivation.
inline constexpr Duration wipe_after = 3 * reject_after_time;
inline constexpr Duration cookie_lifetime = 120s;
inline constexpr Duration initiation_spacing_min = 20ms;
inline constexpr Duration load_hold = 1s;
inline constexpr std::size_t staged_packets_max = 128;
inline constexpr std::size_t padding_multiple = 16;

} // namespace vpn::protocol
