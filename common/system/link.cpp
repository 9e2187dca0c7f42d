#include "common/system/link.hpp"

#include "common/system/netlink_message.hpp"

#include <linux/if_link.h>
#include <net/if.h>

namespace vpn::system {
namespace {

std::string kind_of(const nlattr& link_info) {
    std::string kind;
    for_each_attribute(bytes_of(link_info), [&kind](std::uint16_t type, const nlattr& attribute) {
        if (type == IFLA_INFO_KIND) kind = text_of(attribute);
    });
    return kind;
}

Link decode_link(const nlmsghdr& message) {
    const auto& header = extra_of<ifinfomsg>(message);
    Link link;
    link.index = static_cast<std::uint32_t>(header.ifi_index);
    link.up = (header.ifi_flags & IFF_UP) != 0;
    link.running = (header.ifi_flags & IFF_RUNNING) != 0;
    link.loopback = (header.ifi_flags & IFF_LOOPBACK) != 0;
    for_each_attribute<ifinfomsg>(message, [&link](std::uint16_t type, const nlattr& attribute) {
        if (type == IFLA_IFNAME) link.name = text_of(attribute);
        if (type == IFLA_MTU) link.mtu = u32_of(attribute);
        if (type == IFLA_TXQLEN) link.queue_length = u32_of(attribute);
        if (type == IFLA_ADDRESS) link.hardware_address.assign(bytes_of(attribute).begin(), bytes_of(attribute).end());
        if (type == IFLA_LINKINFO) link.kind = kind_of(attribute);
    });
    return link;
}

OsResult<Link> ask_for_link(Netlink& netlink, NetlinkMessage& message, const std::string& what) {
    Link link;
    const auto asked = netlink.request(message, what, [&link](const nlmsghdr& answer) { link = decode_link(answer); });
    if (!asked) return tl::unexpected(asked.error());
    return link;
}

std::string named(std::uint32_t index) { return "interface " + std::to_string(index); }

NetlinkMessage change_of(std::uint32_t index, unsigned flags, unsigned changed_flags) {
    NetlinkMessage message(RTM_NEWLINK, 0);
    auto& header = message.extra<ifinfomsg>();
    header.ifi_index = static_cast<int>(index);
    header.ifi_flags = flags;
    header.ifi_change = changed_flags;
    return message;
}

} // namespace

OsResult<Link> find_link(Netlink& netlink, std::string_view name) {
    NetlinkMessage message(RTM_GETLINK, 0);
    message.extra<ifinfomsg>();
    message.put_text(IFLA_IFNAME, name);
    return ask_for_link(netlink, message, "cannot find interface " + std::string(name));
}

OsResult<Link> find_link(Netlink& netlink, std::uint32_t index) {
    NetlinkMessage message(RTM_GETLINK, 0);
    message.extra<ifinfomsg>().ifi_index = static_cast<int>(index);
    return ask_for_link(netlink, message, "cannot find " + named(index));
}

OsResult<std::vector<Link>> list_links(Netlink& netlink) {
    NetlinkMessage message(RTM_GETLINK, 0);
    message.extra<ifinfomsg>();
    std::vector<Link> links;
    const auto dumped = netlink.dump(message, "cannot list interfaces", [&links](const nlmsghdr& answer) {
        if (answer.nlmsg_type == RTM_NEWLINK) links.push_back(decode_link(answer));
    });
    if (!dumped) return tl::unexpected(dumped.error());
    return links;
}

OsResult<void> set_link_up(Netlink& netlink, std::uint32_t index) {
    NetlinkMessage message = change_of(index, IFF_UP, IFF_UP);
    return netlink.request(message, "cannot bring " + named(index) + " up");
}

OsResult<void> set_link_down(Netlink& netlink, std::uint32_t index) {
    NetlinkMessage message = change_of(index, 0, IFF_UP);
    return netlink.request(message, "cannot bring " + named(index) + " down");
}

OsResult<void> set_link_mtu(Netlink& netlink, std::uint32_t index, std::uint32_t mtu) {
    NetlinkMessage message = change_of(index, 0, 0);
    message.put_u32(IFLA_MTU, mtu);
    return netlink.request(message, "cannot give " + named(index) + " the MTU " + std::to_string(mtu));
}

OsResult<void> set_link_queue_length(Netlink& netlink, std::uint32_t index, std::uint32_t packets) {
    NetlinkMessage message = change_of(index, 0, 0);
    message.put_u32(IFLA_TXQLEN, packets);
    return netlink.request(message, "cannot give " + named(index) + " a queue of " + std::to_string(packets));
}

OsResult<void> delete_link(Netlink& netlink, std::uint32_t index) {
    NetlinkMessage message(RTM_DELLINK, 0);
    message.extra<ifinfomsg>().ifi_index = static_cast<int>(index);
    return netlink.request(message, "cannot delete " + named(index));
}

} // namespace vpn::system
