// The machine that the tunnel stands on, as it is now: its links, addresses and routes, and what follows for the server.
// Refuses to know: how to change any of it.
#pragma once

#include "common/system/address.hpp"
#include "common/system/link.hpp"
#include "common/system/route.hpp"
#include "vpn-server/layout.hpp"
#include "vpn-server/ruleset.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::server {

struct Surroundings {
    std::vector<system::Link> links;
    std::vector<system::InterfaceAddress> addresses;
    /// Of the main table.
    std::vector<system::Route> routes;

    static Result<Surroundings> look(system::Netlink& netlink);
};

/// Where the default routes lead; of several, the one the kernel prefers. `tunnel` is never one.
Uplinks uplinks_of(const Surroundings& around, std::string_view tunnel);

/// Of the links that default routes lead to; none if there is no such route.
std::optional<std::uint32_t> smallest_uplink_mtu(const Surroundings& around, std::string_view tunnel);

/// Why `layout` doesn't fit: an address or a network that another interface has. One sentence.
std::optional<std::string> conflict(const Surroundings& around, const Layout& layout, std::string_view tunnel);

} // namespace vpn::server
