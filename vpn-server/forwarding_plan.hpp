// Which of the kernel's switches make it forward, and how each must be put back (issue: without losing advertised routes).
//
// Turning `forwarding` on or off for a whole family turns it for every interface and, for IPv4, sets whether redirects are
// accepted: so all of these are noted first and written back behind it. With IPv6, a machine that forwards no longer believes
// router advertisements and drops the routes they gave, unless accept_ra is 2.
// Refuses to know: /proc. It is told what stands there.
#pragma once

#include "common/base/result.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::server {

/// One switch below /proc/sys, and a value for it.
struct Setting {
    std::string path;
    std::string value;
    friend bool operator==(const Setting&, const Setting&) = default;
};

struct ForwardingPlan {
    std::vector<Setting> turn;     ///< in this order
    std::vector<Setting> put_back; ///< and at the end these, in this order
    friend bool operator==(const ForwardingPlan&, const ForwardingPlan&) = default;
};

/// What a switch is now; nothing if there is none.
using CurrentValue = std::function<std::optional<std::string>(const std::string& path)>;

/// `interfaces` leaves out the tunnel's own. A family that forwards already is left as it is.
ForwardingPlan plan_forwarding(const std::vector<std::string>& interfaces, bool with_ipv6, const CurrentValue& current);

/// What a daemon that was killed left to be put back, continued: what it noted is the truth, and what `plan` would change beyond
/// it is added.
ForwardingPlan continued(ForwardingPlan plan, std::vector<Setting> left);

/// The text that outlives a crash.
std::string encode_settings(const std::vector<Setting>& settings);
Result<std::vector<Setting>> decode_settings(std::string_view text);

} // namespace vpn::server
