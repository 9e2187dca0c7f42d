#include "common/system/netlink_monitor.hpp"

#include "common/system/netlink_message.hpp"

#include <linux/if_addr.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <optional>

namespace vpn::system {
namespace {

using Kind = NetlinkEvent::Kind;
constexpr int receive_buffer_size = 1 << 20;

std::optional<NetlinkEvent> decode_link_event(const nlmsghdr& message) {
    const auto& header = extra_of<ifinfomsg>(message);
    if (header.ifi_family != AF_UNSPEC) return std::nullopt; // a bridge speaks of its ports, not of an interface
    NetlinkEvent event;
    event.kind = message.nlmsg_type == RTM_NEWLINK ? Kind::link_changed : Kind::link_removed;
    event.interface = static_cast<std::uint32_t>(header.ifi_index);
    event.up = event.kind == Kind::link_changed && (header.ifi_flags & IFF_UP) != 0;
    event.running = event.kind == Kind::link_changed && (header.ifi_flags & IFF_RUNNING) != 0;
    return event;
}

std::optional<NetlinkEvent> decode_route_event(const nlmsghdr& message) {
    if ((extra_of<rtmsg>(message).rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
    NetlinkEvent event;
    event.kind = message.nlmsg_type == RTM_NEWROUTE ? Kind::route_added : Kind::route_removed;
    for_each_attribute<rtmsg>(message, [&event](std::uint16_t type, const nlattr& attribute) {
        if (type == RTA_OIF) event.interface = u32_of(attribute);
    });
    return event;
}

std::optional<NetlinkEvent> decode_event(const nlmsghdr& message) {
    switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: return decode_link_event(message);
    case RTM_NEWADDR: return NetlinkEvent{Kind::address_added, extra_of<ifaddrmsg>(message).ifa_index};
    case RTM_DELADDR: return NetlinkEvent{Kind::address_removed, extra_of<ifaddrmsg>(message).ifa_index};
    case RTM_NEWROUTE:
    case RTM_DELROUTE: return decode_route_event(message);
    default: return std::nullopt;
    }
}

void decode_events(Bytes datagram, std::vector<NetlinkEvent>& events) {
    for_each_message(datagram, [&events](const nlmsghdr& message) {
        if (const auto event = decode_event(message)) events.push_back(*event);
    });
}

} // namespace

OsResult<NetlinkMonitor> NetlinkMonitor::open() {
    const std::string what = "cannot listen for changes of the network";
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!fd) return os_failed(what, errno);
    const int size = receive_buffer_size;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    local.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) return os_failed(what, errno);
    return NetlinkMonitor(std::move(fd));
}

std::vector<NetlinkEvent> NetlinkMonitor::read() {
    std::vector<NetlinkEvent> events;
    alignas(nlmsghdr) std::array<std::byte, 32768> buffer;
    for (;;) {
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
        if (got < 0 && errno == EINTR) continue;
        const bool overrun = got < 0 ? errno == ENOBUFS : static_cast<std::size_t>(got) > buffer.size();
        if (overrun) {
            events.push_back({Kind::lost});
        } else if (got <= 0) {
            return events;
        } else {
            decode_events(Bytes(buffer).first(static_cast<std::size_t>(got)), events);
        }
    }
}

} // namespace vpn::system
