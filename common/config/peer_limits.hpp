// What a server holds a peer to: when its time is over, how much it may use, how fast (EXPERIENCE, "Files that peers exchange").
// Refuses to know: what time it is, what was used, and how a limit is enforced.
#pragma once

#include "common/base/strong.hpp"
#include "common/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace vpn::config {

struct PeerLimits {
    std::optional<Wall> expires;
    /// Of both directions together.
    std::optional<ByteCount> quota;
    /// Of each direction.
    std::optional<BitRate> rate;
    friend bool operator==(const PeerLimits&, const PeerLimits&) = default;
};

/// What each is called when something else is found.
inline constexpr std::string_view expected_instant = "an instant in UTC such as 2027-01-01T00:00:00Z";
inline constexpr std::string_view expected_quota = "an amount such as 500MB, 100GB or 2TiB";
inline constexpr std::string_view expected_rate = "a rate a second such as 50mbit, from 1kbit to 1000gbit";

/// RFC 3339 in UTC, to the second: `2027-01-01T00:00:00Z`. None: another shape, no such day, before 1970 or after 2261.
std::optional<Wall> parse_instant(std::string_view text);
std::string format_instant(Wall instant);

/// A whole number with its unit: B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024). Zero is none.
std::optional<ByteCount> parse_quota(std::string_view text);
/// In the largest unit that gives a whole number.
std::string format_quota(ByteCount quota);

/// A whole number with its unit: bit, kbit, mbit or gbit a second (powers of 1000).
std::optional<BitRate> parse_rate(std::string_view text);
std::string format_rate(BitRate rate);

} // namespace vpn::config
