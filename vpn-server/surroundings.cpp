#include "vpn-server/surroundings.hpp"

#include <algorithm>

namespace vpn::server {
namespace {

using system::Link;
using system::Route;

const Link* link_of(const Surroundings& around, std::uint32_t index) {
    const auto found =
        std::find_if(around.links.begin(), around.links.end(), [&](const Link& link) { return link.index == index; });
    return found != around.links.end() ? &*found : nullptr;
}

/// Null if there is no default route of the family, or it leads into the tunnel.
const Link* uplink(const Surroundings& around, Family family, std::string_view tunnel) {
    const Route* best = nullptr;
    for (const Route& route : around.routes) {
        const bool is_default = route.destination.bits() == 0 && route.destination.family() == family;
        if (!is_default || route.kind != system::RouteKind::unicast) continue;
        const Link* link = link_of(around, route.interface);
        if (link == nullptr || link->name == tunnel) continue;
        if (best == nullptr || route.metric < best->metric) best = &route;
    }
    return best != nullptr ? link_of(around, best->interface) : nullptr;
}

std::string name_of(const Surroundings& around, std::uint32_t index) {
    const Link* link = link_of(around, index);
    return link != nullptr ? link->name : "interface " + std::to_string(index);
}

} // namespace

Result<Surroundings> Surroundings::look(system::Netlink& netlink) {
    auto links = system::list_links(netlink);
    if (!links) return tl::unexpected(links.error());
    auto addresses = system::list_addresses(netlink);
    if (!addresses) return tl::unexpected(addresses.error());
    auto routes = system::list_routes(netlink, system::main_table);
    if (!routes) return tl::unexpected(routes.error());
    return Surroundings{std::move(*links), std::move(*addresses), std::move(*routes)};
}

Uplinks uplinks_of(const Surroundings& around, std::string_view tunnel) {
    const auto name = [&](Family family) {
        const Link* link = uplink(around, family, tunnel);
        return link != nullptr ? link->name : std::string();
    };
    return {name(Family::v4), name(Family::v6)};
}

std::optional<std::uint32_t> smallest_uplink_mtu(const Surroundings& around, std::string_view tunnel) {
    std::optional<std::uint32_t> smallest;
    for (const Family family : {Family::v4, Family::v6})
        if (const Link* link = uplink(around, family, tunnel); link != nullptr && link->mtu != 0)
            smallest = std::min(smallest.value_or(link->mtu), link->mtu);
    return smallest;
}

std::optional<std::string> conflict(const Surroundings& around, const Layout& layout, std::string_view tunnel) {
    for (const Prefix& address : layout.addresses)
        for (const system::InterfaceAddress& other : around.addresses)
            if (other.prefix.address() == address.address() && name_of(around, other.interface) != tunnel)
                return "the address " + address.address().to_string() + " is on " + name_of(around, other.interface) + " already";
    const std::vector<Prefix> wanted = destinations(layout);
    for (const Route& route : around.routes) {
        const bool same = std::find(wanted.begin(), wanted.end(), route.destination) != wanted.end();
        const bool linked = route.interface != 0 && name_of(around, route.interface) != tunnel;
        if (same && linked)
            return "the network " + route.destination.to_string() + " is routed to " + name_of(around, route.interface) +
                   " already: choose another";
    }
    return std::nullopt;
}

} // namespace vpn::server
