// Addresses on interfaces.
#pragma once

#include "common/base/ip.hpp"
#include "common/system/netlink.hpp"
#include "common/system/scoped.hpp"

#include <compare>
#include <cstdint>
#include <vector>

namespace vpn::system {

struct InterfaceAddress {
    std::uint32_t interface = 0;
    Prefix prefix; ///< with its host bits: `10.66.0.1/24`
    /// The kernel also makes the route to the prefix's network.
    bool prefix_route = true;
    friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

/// Nobody is asked whether an IPv6 address is taken, yet the kernel takes packets for it only a moment later. Errors: EEXIST;
/// ENODEV.
OsResult<void> add_address(Netlink& netlink, const InterfaceAddress& address);
/// Errors: EADDRNOTAVAIL if it isn't there.
OsResult<void> delete_address(Netlink& netlink, const InterfaceAddress& address);
OsResult<std::vector<InterfaceAddress>> list_addresses(Netlink& netlink);

using ScopedAddress = Scoped<InterfaceAddress, &add_address, &delete_address>;

} // namespace vpn::system
