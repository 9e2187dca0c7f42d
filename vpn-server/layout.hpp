// What the tunnel's interface gets of addresses and routes, and how large its packets are.
// Refuses to know: how the kernel is told.
#pragma once

#include "common/config/server_config.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace vpn::server {

struct Layout {
    /// With host bits, as configured. Each brings the route to its own network.
    std::vector<Prefix> addresses;
    /// What else lies behind the tunnel, sorted, nothing twice: networks that no address covers, and those behind peers.
    std::vector<Prefix> routes;
    friend bool operator==(const Layout&, const Layout&) = default;
};

/// A peer that stands for everything (`0.0.0.0/0`) gets no route: it would take the server's own way out.
Layout layout_of(const config::ServerConfig& config);

/// What `one` has and `other` has not.
Layout difference(const Layout& one, const Layout& other);

/// Every network that the interface leads to: its addresses' and its routes.
std::vector<Prefix> destinations(const Layout& layout);

/// The interface's MTU: as configured; else what the smallest link to the internet leaves of its own after the largest outer
/// headers and what the peers' suites add, from 1500 at most, since that is what paths beyond carry, and 1280 at least, which
/// IPv6 asks for.
std::uint16_t tunnel_mtu(const config::ServerConfig& config, std::optional<std::uint32_t> smallest_link);

} // namespace vpn::server
