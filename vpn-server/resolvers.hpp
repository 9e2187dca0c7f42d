// The resolvers that this machine itself asks, for peers that nobody chose others for.
// Refuses to know: whether they answer.
#pragma once

#include "common/base/ip.hpp"

#include <string_view>
#include <vector>

namespace vpn::server {

/// The `nameserver`s of a resolv.conf(5) that another machine could reach too: no loopback, link-local or unspecified address,
/// none twice, in their order.
std::vector<IpAddress> parse_resolvers(std::string_view resolv_conf);

/// Those upstream of systemd-resolved if it runs, else those of /etc/resolv.conf.
std::vector<IpAddress> upstream_resolvers();

} // namespace vpn::server
