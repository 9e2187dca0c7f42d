// What leads out of this machine past the tunnel: taken before there was one, in the network where outer packets leave.
// Refuses to know: what is asked there, and why.
#pragma once

#include "common/base/resolver.hpp"
#include "common/system/socket_stock.hpp"
#include "vpn-client/way_watch.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace vpn::client {

struct Outside {
    WayWatch::Doors doors;
    /// Tells whom to ask for names past the tunnel: at least one.
    std::function<std::vector<Resolver>()> resolvers;
    /// To ask them with, where we can't make any; none: new ones do.
    std::optional<system::SocketStock> sockets;
};

} // namespace vpn::client
