// Where the peers are: their names resolved, the addresses without a way left out.
#pragma once

#include "common/system/netlink.hpp"
#include "vpn-client/preparation.hpp"

#include <vector>

namespace vpn::client {

/// In the order of the file.
std::vector<config::HostPort> servers_of(const config::ClientPeer& peer);

struct Whereabouts {
    /// For each peer, all of its servers' addresses.
    std::vector<Endpoints> of_peers;
    /// For each peer, for each of its servers, in the order of the file; empty if it can't be reached now.
    std::vector<std::vector<Endpoints>> of_servers;
};

/// Errors: name_not_resolved or no_route for the main peer's first server, if it has no other that can be reached (another's
/// trouble becomes a note), failure if interrupted.
Granted<Whereabouts> find_endpoints(ConnectionFile& file, system::Netlink& netlink, const Waiting& waiting);

/// The smallest MTU of the links that lead to them; 1500 if none is known.
std::uint32_t outer_mtu(system::Netlink& netlink, const std::vector<Endpoints>& endpoints);
/// Of the link that leads there now.
std::uint32_t link_mtu_to(const Endpoint& endpoint);

} // namespace vpn::client
