// What remains of some prefixes when others are taken out of them, in the fewest prefixes that say so.
// Refuses to know: what they are for.
#pragma once

#include "common/base/ip.hpp"

#include <vector>

namespace vpn {

/// The least list of prefixes that covers what `listed` covers and `excluded` does not: no two of it overlap, and no two could be
/// one. IPv4 before IPv6, in order of addresses. Host bits don't count. Each that is excluded costs one prefix a bit at most.
[[nodiscard]] std::vector<Prefix> prefix_difference(const std::vector<Prefix>& listed, const std::vector<Prefix>& excluded);

} // namespace vpn
