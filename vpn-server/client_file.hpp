// What a new peer is handed: a client's file that `vpn-client connect` takes as it is.
// Refuses to know: where it is written, and how the peer got on the server's list.
#pragma once

#include "common/config/client_config.hpp"
#include "vpn-server/handover.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace vpn::server {

/// Where the peer's private key is: here; where only the peer has it, at this path; or waiting for an answer to this card's key.
using PeerKey = std::variant<crypto::PrivateKey, std::string, crypto::PublicKey>;

struct ClientFileWishes {
    /// Empty: everything.
    std::vector<Prefix> allowed_ips;
    /// Empty: the server's `dns`.
    std::vector<IpAddress> dns;
};

config::ClientConfig client_file(const Handover& handover, PeerKey key, const ClientFileWishes& wishes);
/// Requires: the server's file has an endpoint.
config::ClientConfig client_file(const config::ServerConfig& server, const config::ServerPeer& peer, PeerKey key,
                                 const ClientFileWishes& wishes);

/// Those of `resolvers` that a client of this file reaches through the tunnel.
std::vector<IpAddress> reachable(const std::vector<IpAddress>& resolvers, const config::ClientConfig& client);

} // namespace vpn::server
