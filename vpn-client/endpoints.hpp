// Where the peers are: their names resolved, the addresses without a way left out.
#pragma once

#include "common/system/netlink.hpp"
#include "vpn-client/preparation.hpp"

#include <vector>

namespace vpn::client {

/// For each peer. Errors: name_not_resolved or no_route for the main peer (another's trouble becomes a note), failure if
/// interrupted.
Granted<std::vector<Endpoints>> find_endpoints(ConnectionFile& file, system::Netlink& netlink, const Waiting& waiting);

/// The smallest MTU of the links that lead to them; 1500 if none is known.
std::uint32_t outer_mtu(system::Netlink& netlink, const std::vector<Endpoints>& endpoints);
/// Of the link that leads there now.
std::uint32_t link_mtu_to(const Endpoint& endpoint);

} // namespace vpn::client
