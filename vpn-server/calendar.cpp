#include "vpn-server/calendar.hpp"

#include "common/config/peer_limits.hpp"

namespace vpn::server {

std::string format_utc(Wall instant) { return config::format_instant(instant); }

} // namespace vpn::server
