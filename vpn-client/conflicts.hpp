// Whether two connections can be up at the same time (EXPERIENCE, "Several connections"). Pure.
#pragma once

#include "common/base/ip.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::client {

/// What a connection takes.
struct Claim {
    /// What remains, where something is excluded.
    std::vector<Prefix> allowed_ips;
    /// Those of which it takes everything but what it excludes.
    std::vector<Family> full_families;
};

/// A connection that is up, or about to be.
struct OtherConnection {
    std::string name;
    Claim claim;
};

/// What stands in the way of a connection with this claim: one sentence that names the other. A full tunnel takes what no
/// other connection has asked for, so it gets along with all but another one of its family. If it excludes something it does so
/// in prefixes that may be longer than what the other has asked for, and then it does not.
std::optional<std::string> find_conflict(const Claim& claim, const std::vector<OtherConnection>& others);

} // namespace vpn::client
