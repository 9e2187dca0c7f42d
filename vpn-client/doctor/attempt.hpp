// One handshake with a server, as `connect` would begin it, with nothing changed on the machine: does anybody answer?
// Refuses to know: sessions. What the handshake gives is thrown away.
#pragma once

#include "common/config/client_config.hpp"
#include "vpn-client/doctor/way.hpp"

#include <string>

namespace vpn::client::checks {

/// Asks `endpoint` for as long as `limit`. The greatest timestamp is kept in `timestamps`, as a connection does.
/// Requires: nobody else speaks for this key now.
Attempt try_handshake(const config::ClientConfig& config, const Endpoint& endpoint, const std::string& timestamps,
                      Duration limit);

} // namespace vpn::client::checks
