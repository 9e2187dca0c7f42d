#include "vpn-server/difference.hpp"

#include <algorithm>
#include <unordered_map>

namespace vpn::server {
namespace {

using config::ServerConfig;
using config::ServerPeer;
using ByKey = std::unordered_map<crypto::PublicKey, const ServerPeer*>;

ByKey peers_of(const ServerConfig& config) {
    ByKey peers;
    peers.reserve(config.peers.size());
    for (const ServerPeer& peer : config.peers) peers.emplace(peer.public_key, &peer);
    return peers;
}

bool same_to_engine(const ServerPeer& a, const ServerPeer& b) {
    return a.addresses == b.addresses && a.allowed_ips == b.allowed_ips && a.suite == b.suite && a.limits == b.limits &&
           a.disabled == b.disabled && equal_in_constant_time(a.preshared_key, b.preshared_key);
}

std::string mtu_text(std::optional<std::uint16_t> mtu) { return mtu ? std::to_string(*mtu) : "auto"; }

std::string from_to(std::string_view what, const std::string& from, const std::string& to) {
    return std::string(what) + " changed from " + from + " to " + to + ", which needs a restart of `vpn-server run`";
}

} // namespace

PeerDifference difference(const ServerConfig& running, const ServerConfig& wanted) {
    const ByKey before = peers_of(running);
    const ByKey after = peers_of(wanted);
    PeerDifference result;
    for (const ServerPeer& peer : running.peers)
        if (!after.contains(peer.public_key)) result.removed.push_back(peer.public_key);
    for (const ServerPeer& peer : wanted.peers) {
        const auto found = before.find(peer.public_key);
        if (found == before.end() || !same_to_engine(*found->second, peer)) result.changed.push_back(&peer);
    }
    return result;
}

std::optional<std::string> needs_restart(const ServerConfig& running, const ServerConfig& wanted) {
    const config::ServerInterface& is = running.interface;
    const config::ServerInterface& should = wanted.interface;
    if (is.name != should.name) return from_to("interface.name", is.name, should.name);
    if (is.listen_port != should.listen_port)
        return from_to("interface.listen_port", std::to_string(is.listen_port.value), std::to_string(should.listen_port.value));
    if (has_ipv6(running) != has_ipv6(wanted))
        return from_to("IPv6 in the tunnel", has_ipv6(running) ? "on" : "off", has_ipv6(wanted) ? "on" : "off");
    if (is.offloads != should.offloads)
        return from_to("interface.offloads", is.offloads ? "true" : "false", should.offloads ? "true" : "false");
    if (is.mtu != should.mtu) return from_to("interface.mtu", mtu_text(is.mtu), mtu_text(should.mtu));
    return std::nullopt;
}

bool has_ipv6(const ServerConfig& config) {
    const auto v6 = [](const Prefix& prefix) { return prefix.family() == Family::v6; };
    return std::any_of(config.networks.begin(), config.networks.end(), v6) ||
           std::any_of(config.interface.addresses.begin(), config.interface.addresses.end(), v6);
}

protocol::PeerConfig peer_config(const ServerPeer& peer) {
    protocol::PeerConfig result{.public_key = peer.public_key,
                                .preshared_key = peer.preshared_key.clone(),
                                .endpoint = {},
                                .allowed_ips = peer.addresses,
                                .suite = peer.suite,
                                .rate = peer.limits.rate};
    result.allowed_ips.insert(result.allowed_ips.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
    return result;
}

} // namespace vpn::server
