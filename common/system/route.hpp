// Routes, in any table, one or thousands at a time; and where a packet would go.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/strong.hpp"
#include "common/system/netlink.hpp"
#include "common/system/scoped.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

namespace vpn::system {

inline constexpr std::uint32_t main_table = 254;
inline constexpr std::uint32_t local_table = 255;

enum class RouteKind : std::uint8_t { unicast, local, broadcast, multicast, blackhole, unreachable, prohibit, throws, other };

struct Route {
    Prefix destination; ///< no host bits
    std::uint32_t table = main_table;
    std::uint32_t interface = 0; ///< zero: none (blackhole and its like), or left to the gateway
    std::optional<IpAddress> gateway;
    /// Less is better. Zero for IPv6 is what the kernel takes by default: 1024.
    std::uint32_t metric = 0;
    RouteKind kind = RouteKind::unicast;
    /// The source address that the kernel gives to those who have none.
    std::optional<IpAddress> preferred_source;
    /// Who made it (RTPROT_*): 4 somebody on purpose, 3 `ip route`, 2 the kernel, 9 a router advertisement, 16 DHCP.
    std::uint8_t protocol = 4;
    friend auto operator<=>(const Route&, const Route&) = default;
};

/// Errors: EEXIST; ENODEV; ENETUNREACH if the gateway can't be reached; ENETDOWN.
OsResult<void> add_route(Netlink& netlink, const Route& route);
/// Errors: ESRCH if it isn't there.
OsResult<void> delete_route(Netlink& netlink, const Route& route);

/// All or none: if one is refused, those before and behind it are taken back. Thousands take milliseconds.
OsResult<void> add_routes(Netlink& netlink, const std::vector<Route>& routes);
/// Deletes what is there of `routes`. Errors: the first refusal other than "not there".
OsResult<void> delete_routes(Netlink& netlink, const std::vector<Route>& routes);

/// Packets that go by these routes, which are there, are no larger than `mtu`, whatever the link takes; zero: as it says.
/// Connections that stand heed it at once. Errors: the first refusal, ENOENT if one isn't there; the
/// others have changed all the same.
OsResult<void> set_routes_mtu(Netlink& netlink, const std::vector<Route>& routes, std::uint32_t mtu);

/// Both families, every table. Of a route with several next hops, the first. Cached ones are left out.
OsResult<std::vector<Route>> list_routes(Netlink& netlink);
/// Only one table.
OsResult<std::vector<Route>> list_routes(Netlink& netlink, std::uint32_t table);

/// What the kernel would do with a packet.
struct RouteLookup {
    std::uint32_t interface = 0;
    std::optional<IpAddress> source;
    std::optional<IpAddress> gateway;
    std::uint32_t table = main_table;
    RouteKind kind = RouteKind::unicast;
    friend auto operator<=>(const RouteLookup&, const RouteLookup&) = default;
};

/// Where a packet of ours to `destination` with `mark` would leave.
/// Errors: ENETUNREACH or EHOSTUNREACH if nowhere, EACCES if a prohibit route stops it, EINVAL for a blackhole.
OsResult<RouteLookup> route_to(Netlink& netlink, const IpAddress& destination, Mark mark);

using ScopedRoute = Scoped<Route, &add_route, &delete_route>;
using ScopedRoutes = Scoped<std::vector<Route>, &add_routes, &delete_routes>;

} // namespace vpn::system
