// What separates a running configuration from the one that should run: only that is changed, so that no session is dropped.
// Refuses to know: how a change is made.
#pragma once

#include "common/config/server_config.hpp"
#include "common/protocol/device.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::server {

/// Peers as the engine must come to have them. Points into the wanted configuration.
struct PeerDifference {
    std::vector<crypto::PublicKey> removed;
    std::vector<const config::ServerPeer*> changed; ///< added ones too
};

/// Names count as nothing.
PeerDifference difference(const config::ServerConfig& running, const config::ServerConfig& wanted);

/// What can't be changed in a running daemon, as one sentence; none if all can.
std::optional<std::string> needs_restart(const config::ServerConfig& running, const config::ServerConfig& wanted);

/// The tunnel carries IPv6.
bool has_ipv6(const config::ServerConfig& config);

/// A peer as the engine wants it, but for whether it is served and what it may still use, which time decides.
protocol::PeerConfig peer_config(const config::ServerPeer& peer);

} // namespace vpn::server
