// The tunnel's interface as the kernel sees it: addresses, MTU, queue and routes. All of it goes with the interface.
// Refuses to know: packets, and where the addresses came from.
#pragma once

#include "common/system/netlink.hpp"
#include "vpn-server/layout.hpp"

#include <cstdint>
#include <string>

namespace vpn::server {

class TunnelInterface {
  public:
    /// `netlink` must outlive it. Errors: what the kernel refused; the interface is then useless.
    static Result<TunnelInterface> set_up(system::Netlink& netlink, std::uint32_t index, const std::string& name,
                                          std::uint16_t mtu, Layout layout);

    /// Adds and removes what differs, new things first. Errors: what the kernel refused; then nothing has changed.
    Result<void> change(Layout wanted);
    Result<void> set_mtu(std::uint16_t mtu);
    [[nodiscard]] const Layout& layout() const { return layout_; }

  private:
    TunnelInterface(system::Netlink& netlink, std::uint32_t index) : netlink_(&netlink), index_(index) {}

    system::Netlink* netlink_;
    std::uint32_t index_;
    Layout layout_;
};

} // namespace vpn::server
