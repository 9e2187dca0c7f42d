// Asks several at once, through one interface and no other, and waits a moment: who is there?
// Refuses to know: what silence means.
#pragma once

#include "common/base/time.hpp"
#include "vpn-client/doctor/way.hpp"

#include <string>
#include <vector>

namespace vpn::client::checks {

/// `asked.answered` is filled in. Several times over, until all have answered or the limit has passed. Needs CAP_NET_RAW.
void ask(std::vector<Asked>& all, const std::string& interface, Duration limit);

/// A ping whose whole packet has `size` bytes is answered within the limit.
[[nodiscard]] bool ping_passes(const IpAddress& address, const std::string& interface, std::size_t size, Duration limit);

} // namespace vpn::client::checks
