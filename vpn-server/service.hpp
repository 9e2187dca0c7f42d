// Whether a peer is served, by what its file says, what it has used, and what day it is.
// Refuses to know: how it is kept out.
#pragma once

#include "common/base/time.hpp"
#include "common/config/server_config.hpp"
#include "common/protocol/drop.hpp"

#include <optional>

namespace vpn::server {

/// Why this peer is not served: peer_disabled, peer_expired or over_quota, the first that holds. None: it is.
inline std::optional<protocol::Drop> why_barred(const config::ServerPeer& peer, ByteCount used, Wall now) {
    if (peer.disabled) return protocol::Drop::peer_disabled;
    if (peer.limits.expires && *peer.limits.expires <= now) return protocol::Drop::peer_expired;
    if (peer.limits.quota && used >= *peer.limits.quota) return protocol::Drop::over_quota;
    return std::nullopt;
}

/// What is left of the peer's quota, if it has one.
inline std::optional<ByteCount> quota_left(const config::ServerPeer& peer, ByteCount used) {
    if (!peer.limits.quota) return std::nullopt;
    return ByteCount{peer.limits.quota->value > used.value ? peer.limits.quota->value - used.value : 0};
}

} // namespace vpn::server
