// Whom this machine would ask for names now if no connection of ours were up: what stands beneath our /etc/resolv.conf, what
// others have told resolvconf, and the servers that systemd-resolved has for links that lead outside.
// Refuses to know: who of them is asked (resolver_choice).
#pragma once

#include "common/base/resolver.hpp"
#include "common/system/netlink.hpp"

#include <string>
#include <vector>

namespace vpn::client {

/// `netlink` leads to the network where outer packets leave. Waits for systemd-resolved a moment at most.
std::vector<Resolver> resolvers_of_machine(system::Netlink& netlink);

/// Where a file `resolv.conf` is written when those change.
std::vector<std::string> resolver_directories();
/// Where any file is.
std::vector<std::string> resolver_record_directories();

} // namespace vpn::client
