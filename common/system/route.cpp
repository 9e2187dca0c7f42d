#include "common/system/route.hpp"

#include "common/system/netlink_message.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

namespace vpn::system {
namespace {

struct KindOfType {
    RouteKind kind;
    std::uint8_t type;
};
constexpr std::array kinds{
    KindOfType{RouteKind::unicast, RTN_UNICAST},     KindOfType{RouteKind::local, RTN_LOCAL},
    KindOfType{RouteKind::broadcast, RTN_BROADCAST}, KindOfType{RouteKind::multicast, RTN_MULTICAST},
    KindOfType{RouteKind::blackhole, RTN_BLACKHOLE}, KindOfType{RouteKind::unreachable, RTN_UNREACHABLE},
    KindOfType{RouteKind::prohibit, RTN_PROHIBIT},   KindOfType{RouteKind::throws, RTN_THROW},
};

std::uint8_t type_of(RouteKind kind) {
    const auto* found = std::ranges::find(kinds, kind, &KindOfType::kind);
    return found == kinds.end() ? std::uint8_t{RTN_UNSPEC} : found->type;
}

RouteKind kind_of(std::uint8_t type) {
    const auto* found = std::ranges::find(kinds, type, &KindOfType::type);
    return found == kinds.end() ? RouteKind::other : found->kind;
}

/// How far away the destination is, which IPv4 wants to be told.
std::uint8_t scope_of(const Route& route) {
    if (route.destination.family() == Family::v6) return RT_SCOPE_UNIVERSE;
    if (route.kind == RouteKind::local) return RT_SCOPE_HOST;
    const bool on_link =
        route.kind == RouteKind::unicast || route.kind == RouteKind::broadcast || route.kind == RouteKind::multicast;
    return on_link && !route.gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

NetlinkMessage message_about(std::uint16_t type, unsigned flags, const Route& route) {
    NetlinkMessage message(type, flags);
    auto& header = message.extra<rtmsg>();
    header.rtm_family = af_of(route.destination.family());
    header.rtm_dst_len = static_cast<std::uint8_t>(route.destination.bits());
    header.rtm_table = static_cast<std::uint8_t>(route.table < 256 ? route.table : RT_TABLE_UNSPEC);
    header.rtm_protocol = route.protocol;
    header.rtm_scope = scope_of(route);
    header.rtm_type = type_of(route.kind);
    message.put(RTA_DST, route.destination.address().bytes());
    message.put_u32(RTA_TABLE, route.table);
    if (route.interface != 0) message.put_u32(RTA_OIF, route.interface);
    if (route.gateway) message.put(RTA_GATEWAY, route.gateway->bytes());
    if (route.metric != 0) message.put_u32(RTA_PRIORITY, route.metric);
    if (route.preferred_source) message.put(RTA_PREFSRC, route.preferred_source->bytes());
    return message;
}

NetlinkMessage addition_of(const Route& route) { return message_about(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route); }
NetlinkMessage replacement_of(const Route& route, std::uint32_t mtu) {
    struct Metric {
        nlattr head{sizeof(nlattr) + sizeof(std::uint32_t), RTAX_MTU};
        std::uint32_t mtu = 0;
    };
    NetlinkMessage message = message_about(RTM_NEWROUTE, NLM_F_REPLACE, route);
    const Metric metric{.mtu = mtu};
    if (mtu != 0) message.put(RTA_METRICS | NLA_F_NESTED, std::as_bytes(std::span(&metric, 1)));
    return message;
}
NetlinkMessage deletion_of(const Route& route) { return message_about(RTM_DELROUTE, 0, route); }

/// The first of several next hops.
void decode_next_hop(const nlattr& multipath, Route& route) {
    const Bytes bytes = bytes_of(multipath);
    if (bytes.size() < sizeof(rtnexthop)) return;
    const auto* hop = reinterpret_cast<const rtnexthop*>(bytes.data());
    route.interface = static_cast<std::uint32_t>(hop->rtnh_ifindex);
    const std::size_t end = std::min<std::size_t>(hop->rtnh_len, bytes.size());
    if (end < sizeof(rtnexthop)) return;
    for_each_attribute(bytes.first(end).subspan(sizeof(rtnexthop)), [&route](std::uint16_t type, const nlattr& attribute) {
        if (type == RTA_GATEWAY) route.gateway = address_of(attribute);
    });
}

/// Nothing for what is no route of `family`, or only a cached one.
std::optional<Route> decode_route(const nlmsghdr& message, Family family) {
    const auto& header = extra_of<rtmsg>(message);
    if (header.rtm_family != af_of(family) || (header.rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
    Route route;
    IpAddress destination = unspecified(family);
    route.table = header.rtm_table;
    route.kind = kind_of(header.rtm_type);
    route.protocol = header.rtm_protocol;
    for_each_attribute<rtmsg>(message, [&](std::uint16_t type, const nlattr& attribute) {
        if (type == RTA_DST) destination = address_of(attribute).value_or(destination);
        if (type == RTA_TABLE) route.table = u32_of(attribute);
        if (type == RTA_OIF) route.interface = u32_of(attribute);
        if (type == RTA_GATEWAY) route.gateway = address_of(attribute);
        if (type == RTA_PRIORITY) route.metric = u32_of(attribute);
        if (type == RTA_PREFSRC) route.preferred_source = address_of(attribute);
        if (type == RTA_MULTIPATH) decode_next_hop(attribute, route);
    });
    route.destination = Prefix(destination, std::min<unsigned>(header.rtm_dst_len, destination.width()));
    return route;
}

OsResult<void> list_family(Netlink& netlink, Family family, std::vector<Route>& routes) {
    NetlinkMessage message(RTM_GETROUTE, 0);
    message.extra<rtmsg>().rtm_family = af_of(family);
    return netlink.dump(message, "cannot list routes", [&](const nlmsghdr& answer) {
        const auto route = answer.nlmsg_type == RTM_NEWROUTE ? decode_route(answer, family) : std::nullopt;
        if (route) routes.push_back(*route);
    });
}

/// The errno with which a route of this kind refuses a packet; zero if it doesn't.
int refusal_of(RouteKind kind) {
    switch (kind) {
    case RouteKind::unreachable: return EHOSTUNREACH;
    case RouteKind::prohibit: return EACCES;
    case RouteKind::blackhole: return EINVAL;
    case RouteKind::throws: return ENETUNREACH;
    default: return 0;
    }
}

std::string description(const Route& route) {
    return "the route to " + route.destination.to_string() + " in table " + std::to_string(route.table);
}

} // namespace

OsResult<void> add_route(Netlink& netlink, const Route& route) {
    NetlinkMessage message = addition_of(route);
    return netlink.request(message, "cannot add " + description(route));
}

OsResult<void> delete_route(Netlink& netlink, const Route& route) {
    NetlinkMessage message = deletion_of(route);
    return netlink.request(message, "cannot delete " + description(route));
}

OsResult<void> add_routes(Netlink& netlink, const std::vector<Route>& routes) {
    std::vector<NetlinkMessage> messages;
    messages.reserve(routes.size());
    std::ranges::transform(routes, std::back_inserter(messages), addition_of);
    const auto errors = netlink.request_all(messages, "cannot add routes");
    if (!errors) return tl::unexpected(errors.error());
    const auto refused = std::ranges::find_if(*errors, [](int error) { return error != 0; });
    if (refused == errors->end()) return {};
    std::vector<Route> added;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if ((*errors)[i] == 0) added.push_back(routes[i]);
    }
    static_cast<void>(delete_routes(netlink, added));
    return os_failed("cannot add " + description(routes[static_cast<std::size_t>(refused - errors->begin())]), *refused);
}

OsResult<void> delete_routes(Netlink& netlink, const std::vector<Route>& routes) {
    std::vector<NetlinkMessage> messages;
    messages.reserve(routes.size());
    std::ranges::transform(routes, std::back_inserter(messages), deletion_of);
    const auto errors = netlink.request_all(messages, "cannot delete routes");
    if (!errors) return tl::unexpected(errors.error());
    const auto refused = std::ranges::find_if(*errors, [](int error) { return error != 0 && error != ESRCH && error != ENODEV; });
    if (refused == errors->end()) return {};
    return os_failed("cannot delete " + description(routes[static_cast<std::size_t>(refused - errors->begin())]), *refused);
}

OsResult<void> set_routes_mtu(Netlink& netlink, const std::vector<Route>& routes, std::uint32_t mtu) {
    std::vector<NetlinkMessage> messages;
    messages.reserve(routes.size());
    for (const Route& route : routes) messages.push_back(replacement_of(route, mtu));
    const auto errors = netlink.request_all(messages, "cannot change routes");
    if (!errors) return tl::unexpected(errors.error());
    const auto refused = std::ranges::find_if(*errors, [](int error) { return error != 0; });
    if (refused == errors->end()) return {};
    return os_failed("cannot change " + description(routes[static_cast<std::size_t>(refused - errors->begin())]), *refused);
}

OsResult<std::vector<Route>> list_routes(Netlink& netlink) {
    std::vector<Route> routes;
    for (const Family family : {Family::v4, Family::v6}) {
        if (auto listed = list_family(netlink, family, routes); !listed) return tl::unexpected(listed.error());
    }
    return routes;
}

OsResult<std::vector<Route>> list_routes(Netlink& netlink, std::uint32_t table) {
    auto routes = list_routes(netlink);
    if (routes) std::erase_if(*routes, [table](const Route& route) { return route.table != table; });
    return routes;
}

OsResult<RouteLookup> route_to(Netlink& netlink, const IpAddress& destination, Mark mark) {
    const std::string what = "no route to " + destination.to_string();
    NetlinkMessage message(RTM_GETROUTE, 0);
    auto& header = message.extra<rtmsg>();
    header.rtm_family = af_of(destination.family());
    header.rtm_dst_len = static_cast<std::uint8_t>(destination.width());
    header.rtm_flags = RTM_F_LOOKUP_TABLE;
    message.put(RTA_DST, destination.bytes());
    if (mark.value != 0) message.put_u32(RTA_MARK, mark.value);
    RouteLookup found;
    const auto asked = netlink.request(message, what, [&found](const nlmsghdr& answer) {
        const auto& answered = extra_of<rtmsg>(answer);
        found.table = answered.rtm_table;
        found.kind = kind_of(answered.rtm_type);
        for_each_attribute<rtmsg>(answer, [&found](std::uint16_t type, const nlattr& attribute) {
            if (type == RTA_TABLE) found.table = u32_of(attribute);
            if (type == RTA_OIF) found.interface = u32_of(attribute);
            if (type == RTA_GATEWAY) found.gateway = address_of(attribute);
            if (type == RTA_PREFSRC) found.source = address_of(attribute);
        });
    });
    if (!asked) return tl::unexpected(asked.error());
    if (const int refusal = refusal_of(found.kind); refusal != 0) return os_failed(what, refusal);
    return found;
}

} // namespace vpn::system
