#include "common/system/address.hpp"

#include "common/system/netlink_message.hpp"

#include <linux/if_addr.h>

namespace vpn::system {
namespace {

NetlinkMessage message_about(std::uint16_t type, unsigned flags, const InterfaceAddress& address) {
    NetlinkMessage message(type, flags);
    auto& header = message.extra<ifaddrmsg>();
    header.ifa_family = af_of(address.prefix.family());
    header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix.bits());
    header.ifa_index = address.interface;
    message.put(IFA_LOCAL, address.prefix.address().bytes());
    message.put(IFA_ADDRESS, address.prefix.address().bytes());
    return message;
}

std::optional<InterfaceAddress> decode_address(const nlmsghdr& message) {
    const auto& header = extra_of<ifaddrmsg>(message);
    std::optional<IpAddress> local;
    std::optional<IpAddress> other; // IPv4: the far end of a point-to-point link; IPv6: our own
    std::uint32_t flags = header.ifa_flags;
    for_each_attribute<ifaddrmsg>(message, [&](std::uint16_t type, const nlattr& attribute) {
        if (type == IFA_LOCAL) local = address_of(attribute);
        if (type == IFA_ADDRESS) other = address_of(attribute);
        if (type == IFA_FLAGS) flags = u32_of(attribute);
    });
    const auto address = local ? local : other;
    if (!address || header.ifa_prefixlen > address->width()) return std::nullopt;
    return InterfaceAddress{header.ifa_index, Prefix(*address, header.ifa_prefixlen), (flags & IFA_F_NOPREFIXROUTE) == 0};
}

} // namespace

OsResult<void> add_address(Netlink& netlink, const InterfaceAddress& address) {
    NetlinkMessage message = message_about(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
    std::uint32_t flags = address.prefix_route ? 0 : IFA_F_NOPREFIXROUTE;
    if (address.prefix.family() == Family::v6) flags |= IFA_F_NODAD; // the configuration gave it to us
    message.put_u32(IFA_FLAGS, flags);
    return netlink.request(message, "cannot add the address " + address.prefix.to_string());
}

OsResult<void> delete_address(Netlink& netlink, const InterfaceAddress& address) {
    NetlinkMessage message = message_about(RTM_DELADDR, 0, address);
    return netlink.request(message, "cannot delete the address " + address.prefix.to_string());
}

OsResult<std::vector<InterfaceAddress>> list_addresses(Netlink& netlink) {
    NetlinkMessage message(RTM_GETADDR, 0);
    message.extra<ifaddrmsg>();
    std::vector<InterfaceAddress> addresses;
    const auto dumped = netlink.dump(message, "cannot list addresses", [&addresses](const nlmsghdr& answer) {
        const auto address = answer.nlmsg_type == RTM_NEWADDR ? decode_address(answer) : std::nullopt;
        if (address) addresses.push_back(*address);
    });
    if (!dumped) return tl::unexpected(dumped.error());
    return addresses;
}

} // namespace vpn::system
