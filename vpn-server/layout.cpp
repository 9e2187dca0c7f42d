#include "vpn-server/layout.hpp"

#include <algorithm>
#include <iterator>

namespace vpn::server {
namespace {

constexpr std::uint32_t outer_headers = 80; // IPv6 40, UDP 8, data message 32
constexpr std::uint32_t usual_mtu = 1420;
constexpr std::uint32_t smallest_mtu = 1280;

/// An address on the interface brings a route that leads there.
bool covered(const Prefix& network, const std::vector<Prefix>& addresses) {
    return std::any_of(addresses.begin(), addresses.end(), [&](const Prefix& address) {
        return address.bits() <= network.bits() && address.contains(network.address());
    });
}

} // namespace

Layout layout_of(const config::ServerConfig& config) {
    Layout layout{config.interface.addresses, {}};
    const auto add = [&](const Prefix& network) {
        if (network.bits() != 0 && !covered(network, layout.addresses)) layout.routes.push_back(network.network());
    };
    for (const Prefix& network : config.networks) add(network);
    for (const config::ServerPeer& peer : config.peers)
        if (!peer.disabled) std::for_each(peer.allowed_ips.begin(), peer.allowed_ips.end(), add);
    std::sort(layout.routes.begin(), layout.routes.end());
    layout.routes.erase(std::unique(layout.routes.begin(), layout.routes.end()), layout.routes.end());
    return layout;
}

Layout difference(const Layout& one, const Layout& other) {
    Layout left;
    std::copy_if(one.addresses.begin(), one.addresses.end(), std::back_inserter(left.addresses), [&](const Prefix& address) {
        return std::find(other.addresses.begin(), other.addresses.end(), address) == other.addresses.end();
    });
    std::set_difference(one.routes.begin(), one.routes.end(), other.routes.begin(), other.routes.end(),
                        std::back_inserter(left.routes));
    return left;
}

std::vector<Prefix> destinations(const Layout& layout) {
    std::vector<Prefix> all = layout.routes;
    for (const Prefix& address : layout.addresses) all.push_back(address.network());
    return all;
}

std::uint16_t tunnel_mtu(std::optional<std::uint16_t> configured, std::optional<std::uint32_t> smallest_link) {
    if (configured) return *configured;
    const std::uint32_t room = smallest_link && *smallest_link > outer_headers ? *smallest_link - outer_headers : usual_mtu;
    return static_cast<std::uint16_t>(std::clamp(room, smallest_mtu, usual_mtu));
}

} // namespace vpn::server
