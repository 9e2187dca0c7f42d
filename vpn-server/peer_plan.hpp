// A new peer, from what was asked for and what is there: its name, its addresses, its preshared key.
// Refuses to know: files and sockets.
#pragma once

#include "common/base/random.hpp"
#include "common/config/server_config.hpp"

#include <string>
#include <string_view>

namespace vpn::server {

struct PeerRequest {
    /// Empty: `peer1`, `peer2`, ...: the first that is free.
    std::string name;
    crypto::PublicKey public_key;
    bool with_preshared_key = true;
    config::Suite suite = config::Suite::hybrid;
    config::PeerLimits limits = {};
    friend bool operator==(const PeerRequest&, const PeerRequest&) = default;
};

/// Errors: the name or the key is taken or impossible; no address is free.
Result<config::ServerPeer> plan_peer(const config::ServerConfig& config, const PeerRequest& request, Random& random);

/// Errors: it is no name, or somebody's.
Result<void> check_name(const config::ServerConfig& config, const std::string& name);
/// Errors: it is all zeros, this server's own, or a peer's.
Result<void> check_key(const config::ServerConfig& config, const crypto::PublicKey& key);

/// What is said of a name that nobody has.
Failure no_such_peer(std::string_view name);

} // namespace vpn::server
