// A handshake with each of some servers, as `connect` would begin it, with nothing changed on the machine: does anybody answer?
// Refuses to know: sessions. What the handshake gives is thrown away.
#pragma once

#include "common/config/client_config.hpp"
#include "vpn-client/doctor/way.hpp"

#include <string>
#include <vector>

namespace vpn::client::checks {

struct Server {
    const config::ClientPeer* peer = nullptr; ///< whom to expect there; of the configuration
    config::HostPort named;
    Endpoint endpoint;
};

/// Asks all of them side by side, for as long as `limit`: an attempt each, in their order. The greatest timestamp is kept in
/// `timestamps`, as a connection does. Requires: nobody else speaks for this key now.
std::vector<Attempt> try_handshakes(const config::ClientConfig& config, const std::vector<Server>& servers,
                                    const std::string& timestamps, Duration limit);

} // namespace vpn::client::checks
