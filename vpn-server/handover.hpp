// What a client's file is made of, of all that a server has: it passes from whoever keeps the list of peers to the command.
// Refuses to know: the peer's private key, which the server never has. Holds its preshared key: who made the peer is told it
// once.
#pragma once

#include "common/config/json.hpp"
#include "common/config/server_config.hpp"
#include "vpn-server/command_error.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::server {

struct Handover {
    std::string name;
    std::vector<Prefix> addresses;
    crypto::PresharedKey preshared_key;
    config::Suite suite = config::Suite::wireguard;
    crypto::PublicKey server_key;
    config::HostPort endpoint;
    std::vector<Prefix> server_addresses;
    std::vector<IpAddress> dns;
};

/// Errors: bad_configuration, if the server has no endpoint: no peer would know how to reach it.
CommandResult<void> check_endpoint(const config::ServerConfig& server, const std::string& file);
/// Requires: an endpoint.
Handover handover_of(const config::ServerConfig& server, const config::ServerPeer& peer);

config::Json to_json(const Handover& handover);
/// None if it is not what to_json makes.
std::optional<Handover> handover_from(const config::Json& json);

} // namespace vpn::server
