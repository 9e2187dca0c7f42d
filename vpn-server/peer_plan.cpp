#include "vpn-server/peer_plan.hpp"

#include "common/config/address_pool.hpp"
#include "common/config/names.hpp"
#include "common/crypto/x25519.hpp"

#include <algorithm>
#include <unordered_set>

namespace vpn::server {
namespace {

using config::ServerConfig;
using config::ServerPeer;

std::string first_free_name(const ServerConfig& config) {
    std::unordered_set<std::string_view> taken;
    for (const ServerPeer& peer : config.peers) taken.insert(peer.name);
    for (std::size_t number = 1;; ++number)
        if (std::string name = "peer" + std::to_string(number); !taken.contains(name)) return name;
}

} // namespace

Result<void> check_name(const ServerConfig& config, const std::string& name) {
    if (!config::is_peer_name(name))
        return failed("a peer's name must be " + std::string(config::peer_name_rule) + ", found " + config::quote(name));
    if (config.find_peer(name) != nullptr) return failed("there is a peer " + config::quote(name) + " already");
    return {};
}

Result<void> check_key(const ServerConfig& config, const crypto::PublicKey& key) {
    if (key == crypto::PublicKey{}) return failed("the public key is all zeros");
    const auto ours = config::own_public_keys(config.interface);
    if (std::ranges::find(ours, key) != ours.end()) return failed("the public key is this server's own: it must be the peer's");
    const auto same = [&](const ServerPeer& peer) { return peer.public_key == key; };
    const auto found = std::find_if(config.peers.begin(), config.peers.end(), same);
    if (found != config.peers.end()) return failed("the public key already belongs to peer " + config::quote(found->name));
    return {};
}

Result<ServerPeer> plan_peer(const ServerConfig& config, const PeerRequest& request, Random& random) {
    ServerPeer peer;
    peer.name = request.name.empty() ? first_free_name(config) : request.name;
    if (auto checked = check_name(config, peer.name); !checked) return tl::unexpected(checked.error());
    if (auto checked = check_key(config, request.public_key); !checked) return tl::unexpected(checked.error());
    auto addresses = config::next_free_addresses(config);
    if (!addresses) return tl::unexpected(addresses.error());
    peer.public_key = request.public_key;
    if (request.with_preshared_key) peer.preshared_key = crypto::generate_preshared_key(random);
    peer.suite = request.suite;
    peer.limits = request.limits;
    peer.addresses = std::move(*addresses);
    return peer;
}

Failure no_such_peer(std::string_view name) { return {"there is no peer " + config::quote(name)}; }

} // namespace vpn::server
