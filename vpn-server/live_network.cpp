#include "vpn-server/live_network.hpp"

#include "vpn-server/difference.hpp"
#include "vpn-server/paths.hpp"

namespace vpn::server {

Result<LiveNetwork> LiveNetwork::set_up(const config::ServerConfig& config, std::uint32_t index, std::uint16_t mtu) {
    const std::string& name = config.interface.name;
    auto opened = system::Netlink::open();
    if (!opened) return tl::unexpected(opened.error());
    auto netlink = std::make_unique<system::Netlink>(std::move(*opened));
    const auto around = Surroundings::look(*netlink);
    if (!around) return tl::unexpected(around.error());
    Uplinks uplinks = uplinks_of(*around, name);
    // The rules come first: nothing is open for the moment between the others.
    auto firewall = Firewall::put_up(name, ruleset(config, uplinks, mtu));
    if (!firewall) return tl::unexpected(firewall.error());
    auto interface = TunnelInterface::set_up(*netlink, index, name, mtu, layout_of(config));
    if (!interface) return tl::unexpected(interface.error());
    auto forwarding = Forwarding::enable(name, has_ipv6(config), restore_path(name));
    if (!forwarding) return tl::unexpected(forwarding.error());
    auto exceptions = std::make_unique<FirewallExceptions>(name);
    exceptions->follow(config, uplinks);
    return LiveNetwork(std::move(netlink), std::move(uplinks), mtu, std::move(*firewall), std::move(*interface),
                       std::move(*forwarding), std::move(exceptions));
}

Result<void> LiveNetwork::change(const config::ServerConfig& wanted) {
    const auto around = Surroundings::look(*netlink_);
    if (!around) return tl::unexpected(around.error());
    const std::string& name = wanted.interface.name;
    const Layout layout = layout_of(wanted);
    if (auto taken = conflict(*around, difference(layout, interface_.layout()), name)) return failed(std::move(*taken));
    const std::string old_rules = firewall_.rules();
    uplinks_ = uplinks_of(*around, name);
    const std::uint16_t mtu = tunnel_mtu(wanted, smallest_uplink_mtu(*around, name)); // peers may have brought another suite
    if (auto replaced = firewall_.replace(ruleset(wanted, uplinks_, mtu)); !replaced) return replaced;
    if (auto changed = interface_.change(layout); !changed) {
        static_cast<void>(firewall_.replace(old_rules));
        return changed;
    }
    if (mtu != mtu_)
        if (auto set = interface_.set_mtu(mtu); !set) return set;
    mtu_ = mtu;
    exceptions_->follow(wanted, uplinks_);
    return {};
}

Result<bool> LiveNetwork::look_at_firewalls(const config::ServerConfig& config) {
    auto restored = firewall_.restore();
    exceptions_->follow(config, uplinks_);
    return restored;
}

Result<bool> LiveNetwork::look_again(const config::ServerConfig& config) {
    const auto around = Surroundings::look(*netlink_);
    if (!around) return tl::unexpected(around.error());
    uplinks_ = uplinks_of(*around, config.interface.name);
    exceptions_->follow(config, uplinks_);
    std::string rules = ruleset(config, uplinks_, mtu_);
    if (rules == firewall_.rules()) return false;
    if (auto replaced = firewall_.replace(std::move(rules)); !replaced) return tl::unexpected(replaced.error());
    return true;
}

} // namespace vpn::server
