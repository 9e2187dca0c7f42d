// Network interfaces: what there is, and up, down, MTU and queue length.
#pragma once

#include "common/base/bytes.hpp"
#include "common/system/netlink.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::system {

struct Link {
    std::uint32_t index = 0;
    std::string name;
    std::uint32_t mtu = 0;
    std::uint32_t queue_length = 0;
    bool up = false;      ///< somebody brought it up
    bool running = false; ///< and it has a carrier
    bool loopback = false;
    ByteVector hardware_address;
    std::string kind; ///< "veth", "tun", ...; empty for real hardware
};

/// Errors: ENODEV if there is none of that name.
OsResult<Link> find_link(Netlink& netlink, std::string_view name);
OsResult<Link> find_link(Netlink& netlink, std::uint32_t index);
OsResult<std::vector<Link>> list_links(Netlink& netlink);

OsResult<void> set_link_up(Netlink& netlink, std::uint32_t index);
OsResult<void> set_link_down(Netlink& netlink, std::uint32_t index);
OsResult<void> set_link_mtu(Netlink& netlink, std::uint32_t index, std::uint32_t mtu);
/// In packets.
OsResult<void> set_link_queue_length(Netlink& netlink, std::uint32_t index, std::uint32_t packets);
OsResult<void> delete_link(Netlink& netlink, std::uint32_t index);

} // namespace vpn::system
