// Name resolution inside a mount namespace of its own: the tunnel's name servers in the place of /etc/resolv.conf, and no way
// past them through a daemon of the machine's (systemd-resolved, nscd, avahi), whose sockets a network namespace does not close.
// Refuses to know: which servers. Files of the machine stay as they are: everything is mounted over them.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

/// resolv.conf(5) for these servers, and the domains in which names without a dot are looked for; empty for no server.
std::string resolver_text(const std::vector<IpAddress>& servers, const std::vector<std::string>& search);

/// nsswitch.conf(5) that asks nobody but files and those servers for hosts.
std::string name_switch_text(std::string_view present);

/// Requires: a mount namespace of our own. An empty text leaves /etc/resolv.conf as it is.
Result<void> place_resolver(std::string_view text);

} // namespace vpn::client
