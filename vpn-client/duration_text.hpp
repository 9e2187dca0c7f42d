// Durations as people type them: `15s`, `500ms`, `2m`, `1h`, `0`.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <string_view>

namespace vpn::client {

/// A whole number and its unit (ms, s, m, h, d), at most a year; zero needs none.
Result<Duration> parse_duration(std::string_view text);

} // namespace vpn::client
