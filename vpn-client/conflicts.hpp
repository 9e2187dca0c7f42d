// Whether two connections can be up at the same time (EXPERIENCE, "Several connections"). Pure.
#pragma once

#include "common/base/ip.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::client {

/// A connection that is up, or about to be.
struct OtherConnection {
    std::string name;
    std::vector<Prefix> allowed_ips;
};

/// What stands in the way of a connection with `allowed_ips`: one sentence that names the other. A full tunnel takes what no
/// other connection has asked for, so it gets along with all but another one of its family.
std::optional<std::string> find_conflict(const std::vector<Prefix>& allowed_ips, const std::vector<OtherConnection>& others);

} // namespace vpn::client
