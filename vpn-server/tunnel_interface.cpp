#include "vpn-server/tunnel_interface.hpp"

#include "common/system/address.hpp"
#include "common/system/link.hpp"
#include "common/system/route.hpp"
#include "common/system/sysctl.hpp"

#include <vector>

namespace vpn::server {
namespace {

using system::OsResult;

/// DATAPATH 5: a slot may hold 64 KiB, so keep the queue short.
constexpr std::uint32_t queue_length = 256;

/// IPv6 on this interface even where it is off by default; and no address that nobody configured, nor the chatter of one.
void prepare_ipv6(const std::string& name) {
    static_cast<void>(system::write_sysctl("net/ipv6/conf/" + name + "/disable_ipv6", "0"));
    static_cast<void>(system::write_sysctl("net/ipv6/conf/" + name + "/addr_gen_mode", "1"));
}

std::vector<system::Route> routes_to(const std::vector<Prefix>& destinations, std::uint32_t interface) {
    std::vector<system::Route> routes;
    for (const Prefix& destination : destinations) {
        system::Route route;
        route.destination = destination;
        route.interface = interface;
        routes.push_back(route);
    }
    return routes;
}

OsResult<void> prepare_link(system::Netlink& netlink, std::uint32_t index, std::uint16_t mtu) {
    if (auto set = system::set_link_mtu(netlink, index, mtu); !set) return set;
    if (auto set = system::set_link_queue_length(netlink, index, queue_length); !set) return set;
    return system::set_link_up(netlink, index);
}

} // namespace

Result<TunnelInterface> TunnelInterface::set_up(system::Netlink& netlink, std::uint32_t index, const std::string& name,
                                                std::uint16_t mtu, Layout layout) {
    TunnelInterface interface(netlink, index);
    prepare_ipv6(name);
    if (auto prepared = prepare_link(netlink, index, mtu); !prepared) return tl::unexpected(prepared.error());
    if (auto changed = interface.change(std::move(layout)); !changed) return tl::unexpected(changed.error());
    return interface;
}

Result<void> TunnelInterface::change(Layout wanted) {
    const Layout fresh = difference(wanted, layout_);
    const Layout stale = difference(layout_, wanted);
    std::vector<system::ScopedAddress> added;
    for (const Prefix& prefix : fresh.addresses) {
        auto address = system::ScopedAddress::add(*netlink_, {.interface = index_, .prefix = prefix});
        if (!address) return tl::unexpected(address.error());
        added.push_back(std::move(*address));
    }
    if (auto routed = system::add_routes(*netlink_, routes_to(fresh.routes, index_)); !routed)
        return tl::unexpected(routed.error());
    for (system::ScopedAddress& address : added) address.release();

    // What is no longer wanted may have gone by other hands.
    static_cast<void>(system::delete_routes(*netlink_, routes_to(stale.routes, index_)));
    for (const Prefix& prefix : stale.addresses)
        static_cast<void>(system::delete_address(*netlink_, {.interface = index_, .prefix = prefix}));
    layout_ = std::move(wanted);
    return {};
}

Result<void> TunnelInterface::set_mtu(std::uint16_t mtu) {
    if (auto set = system::set_link_mtu(*netlink_, index_, mtu); !set) return tl::unexpected(set.error());
    return {};
}

} // namespace vpn::server
