#include "vpn-server/client_file.hpp"

#include <algorithm>
#include <chrono>

namespace vpn::server {
namespace {

using config::ClientConfig;
using config::ServerConfig;

constexpr std::chrono::seconds keepalive{25};
constexpr std::string_view server_name = "vps";

std::vector<Prefix> everything() { return {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")}; }

/// The server's first address of a family that the peer has too.
std::optional<IpAddress> probe_of(const Handover& handover) {
    for (const Prefix& address : handover.server_addresses)
        for (const Prefix& theirs : handover.addresses)
            if (theirs.family() == address.family()) return address.address();
    return std::nullopt;
}

config::ClientPeer server_as_peer(const Handover& handover, std::vector<Prefix> allowed_ips) {
    config::ClientPeer vps;
    vps.name = server_name;
    vps.public_key = handover.server_key;
    vps.preshared_key = handover.preshared_key.clone();
    vps.endpoint = handover.endpoint;
    vps.allowed_ips = allowed_ips.empty() ? everything() : std::move(allowed_ips);
    vps.persistent_keepalive = keepalive;
    vps.suite = handover.suite;
    return vps;
}

} // namespace

ClientConfig client_file(const Handover& handover, PeerKey key, const ClientFileWishes& wishes) {
    ClientConfig client;
    if (auto* own = std::get_if<crypto::PrivateKey>(&key)) {
        client.interface.private_key = std::move(*own);
    } else if (const auto* card = std::get_if<crypto::PublicKey>(&key)) {
        client.interface.public_key = *card;
    } else {
        client.interface.private_key_file = std::get<std::string>(key);
    }
    client.interface.addresses = handover.addresses;
    client.interface.dns = wishes.dns.empty() ? handover.dns : wishes.dns;
    client.interface.probe = probe_of(handover);
    client.peers.push_back(server_as_peer(handover, wishes.allowed_ips));
    return client;
}

ClientConfig client_file(const ServerConfig& server, const config::ServerPeer& peer, PeerKey key,
                         const ClientFileWishes& wishes) {
    return client_file(handover_of(server, peer), std::move(key), wishes);
}

std::vector<IpAddress> reachable(const std::vector<IpAddress>& resolvers, const ClientConfig& client) {
    std::vector<IpAddress> result;
    for (const IpAddress& resolver : resolvers) {
        const auto speaks = [&](const Prefix& own) { return own.family() == resolver.family(); };
        const auto leads = [&](const Prefix& prefix) { return prefix.contains(resolver); };
        const std::vector<Prefix>& own = client.interface.addresses;
        const std::vector<Prefix>& inside = client.peers.front().allowed_ips;
        if (std::any_of(own.begin(), own.end(), speaks) && std::any_of(inside.begin(), inside.end(), leads))
            result.push_back(resolver);
    }
    return result;
}

} // namespace vpn::server
