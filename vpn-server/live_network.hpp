// Everything that the server changes on the machine around the tunnel: the interface, the rules, the forwarding, exceptions in
// other firewalls; put up in that order, followed by what the configuration or the machine becomes, and taken down in reverse.
// Refuses to know: peers' keys and packets.
#pragma once

#include "common/config/server_config.hpp"
#include "common/system/netlink.hpp"
#include "vpn-server/firewall.hpp"
#include "vpn-server/firewall_exceptions.hpp"
#include "vpn-server/forwarding.hpp"
#include "vpn-server/ruleset.hpp"
#include "vpn-server/surroundings.hpp"
#include "vpn-server/tunnel_interface.hpp"

#include <cstdint>
#include <memory>

namespace vpn::server {

class LiveNetwork {
  public:
    /// `index` is the tunnel interface's, freshly made. Errors: what could not be done; nothing but the interface has changed.
    static Result<LiveNetwork> set_up(const config::ServerConfig& config, std::uint32_t index, std::uint16_t mtu);

    /// Errors: what could not be done; everything is as it was then.
    Result<void> change(const config::ServerConfig& wanted);
    /// The machine's links or routes changed. True if the rules had to follow.
    Result<bool> look_again(const config::ServerConfig& config);
    /// The tunnel's, as the configuration of today wants it.
    [[nodiscard]] std::uint16_t mtu() const { return mtu_; }
    [[nodiscard]] const Uplinks& uplinks() const { return uplinks_; }
    /// Somebody changed a firewall. True if our own was gone and is there again.
    Result<bool> look_at_firewalls(const config::ServerConfig& config);
    /// Since they were looked at last: an answer at little cost, and at hardly any where there are none.
    [[nodiscard]] bool legacy_tables_changed() const { return exceptions_->legacy_tables_changed(); }
    [[nodiscard]] const OtherFirewalls& other_firewalls() const { return exceptions_->seen(); }
    [[nodiscard]] AddressCounts over_connections() const { return firewall_.over_connections(); }

  private:
    LiveNetwork(std::unique_ptr<system::Netlink> netlink, Uplinks uplinks, std::uint16_t mtu, Firewall firewall,
                TunnelInterface interface, Forwarding forwarding, std::unique_ptr<FirewallExceptions> exceptions)
        : netlink_(std::move(netlink)), uplinks_(std::move(uplinks)), mtu_(mtu), firewall_(std::move(firewall)),
          interface_(std::move(interface)), forwarding_(std::move(forwarding)), exceptions_(std::move(exceptions)) {}

    std::unique_ptr<system::Netlink> netlink_; ///< the interface points to it
    Uplinks uplinks_;
    std::uint16_t mtu_;
    Firewall firewall_;
    TunnelInterface interface_;
    Forwarding forwarding_;
    std::unique_ptr<FirewallExceptions> exceptions_;
};

} // namespace vpn::server
