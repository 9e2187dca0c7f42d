// A server's first configuration, from what its owner chose and chance filled in.
// Refuses to know: files.
#pragma once

#include "common/base/random.hpp"
#include "common/config/server_config.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::server {

struct NewServer {
    config::HostPort endpoint;
    /// Empty: 10.66.0.0/24.
    std::optional<Prefix> network;
    /// Empty: a random /64 of the unique local addresses (RFC 4193).
    std::optional<Prefix> network6;
    std::string interface = "vpns";
    Port listen_port{51820};
    std::vector<IpAddress> dns;
};

/// With a fresh key, and the first host of each network as the server's own address.
/// Errors: a network that is too small, or what config::check finds.
Result<config::ServerConfig> new_server(const NewServer& wishes, Random& random);

} // namespace vpn::server
