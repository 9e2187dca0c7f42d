// What commands change of the peers that are there, in a configuration: the daemon's, or that of a file while no daemon runs.
// Refuses to know: how the change is made to last, and sockets.
#pragma once

#include "vpn-server/request.hpp"

namespace vpn::server {

/// Each errs if there is no such peer, and then changes nothing.
Result<void> edit(config::ServerConfig& config, const AskRemovePeer& ask, Random& random);
Result<void> edit(config::ServerConfig& config, const AskEnablePeer& ask, Random& random);
/// Errors: the new name is another's, or none.
Result<void> edit(config::ServerConfig& config, const AskRenamePeer& ask, Random& random);
/// The key is another, and so is the preshared key, if there is one. Errors: see check_key.
Result<void> edit(config::ServerConfig& config, const AskRekeyPeer& ask, Random& random);
Result<void> edit(config::ServerConfig& config, const AskLimitPeer& ask, Random& random);

} // namespace vpn::server
