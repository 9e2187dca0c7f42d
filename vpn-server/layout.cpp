#include "vpn-server/layout.hpp"

#include "common/protocol/message.hpp"

#include <algorithm>
#include <iterator>

namespace vpn::server {
namespace {

constexpr std::size_t outer_headers = 48; // IPv6 40, UDP 8
constexpr std::size_t usual_link = 1500;
constexpr std::size_t smallest_mtu = 1280;

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

std::uint16_t tunnel_mtu(const config::ServerConfig& config, std::optional<std::uint32_t> smallest_link) {
    if (config.interface.mtu) return *config.interface.mtu;
    std::size_t overhead = outer_headers + protocol::data_overhead(config::Suite::wireguard);
    for (const config::ServerPeer& peer : config.peers)
        overhead = std::max(overhead, outer_headers + protocol::data_overhead(peer.suite));
    const std::size_t link = std::min<std::size_t>(smallest_link.value_or(usual_link), usual_link);
    return static_cast<std::uint16_t>(std::max(link, smallest_mtu + overhead) - overhead);
}

} // namespace vpn::server
