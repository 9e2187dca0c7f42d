#include "vpn-server/peer_edit.hpp"

#include "common/crypto/x25519.hpp"

namespace vpn::server {
namespace {

using config::ServerConfig;
using config::ServerPeer;

Result<ServerPeer*> find(ServerConfig& config, const std::string& name) {
    ServerPeer* peer = config.find_peer(name);
    if (peer == nullptr) return tl::unexpected(no_such_peer(name));
    return peer;
}

} // namespace

Result<void> edit(ServerConfig& config, const AskRemovePeer& ask, Random& /*random*/) {
    const auto removed = std::erase_if(config.peers, [&](const ServerPeer& peer) { return peer.name == ask.name; });
    if (removed == 0) return tl::unexpected(no_such_peer(ask.name));
    return {};
}

Result<void> edit(ServerConfig& config, const AskEnablePeer& ask, Random& /*random*/) {
    const auto peer = find(config, ask.name);
    if (!peer) return tl::unexpected(peer.error());
    (*peer)->disabled = !ask.enabled;
    return {};
}

Result<void> edit(ServerConfig& config, const AskRenamePeer& ask, Random& /*random*/) {
    const auto peer = find(config, ask.name);
    if (!peer) return tl::unexpected(peer.error());
    if (ask.new_name == ask.name) return {};
    if (auto checked = check_name(config, ask.new_name); !checked) return checked;
    (*peer)->name = ask.new_name;
    return {};
}

Result<void> edit(ServerConfig& config, const AskRekeyPeer& ask, Random& random) {
    const auto peer = find(config, ask.name);
    if (!peer) return tl::unexpected(peer.error());
    if (auto checked = check_key(config, ask.public_key); !checked) return checked;
    (*peer)->public_key = ask.public_key;
    (*peer)->public_key_file.clear();
    (*peer)->preshared_key = ask.with_preshared_key ? crypto::generate_preshared_key(random) : crypto::PresharedKey();
    (*peer)->preshared_key_file.clear();
    return {};
}

Result<void> edit(ServerConfig& config, const AskLimitPeer& ask, Random& /*random*/) {
    const auto peer = find(config, ask.name);
    if (!peer) return tl::unexpected(peer.error());
    config::PeerLimits& limits = (*peer)->limits;
    if (ask.set_expires) limits.expires = ask.limits.expires;
    if (ask.set_quota) limits.quota = ask.limits.quota;
    if (ask.set_rate) limits.rate = ask.limits.rate;
    return {};
}

} // namespace vpn::server
