// Instants as people and programs both read them.
#pragma once

#include "common/base/time.hpp"

#include <string>

namespace vpn::server {

/// RFC 3339 in UTC, to the second: `2027-01-01T00:00:00Z`.
std::string format_utc(Wall instant);

} // namespace vpn::server
