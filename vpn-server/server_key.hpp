// A new key of the server's own, and the old one, which answers too until its time is over (vpn-server(8), A NEW KEY).
// Refuses to know: how the change is made to last, and who still uses which.
#pragma once

#include "common/base/random.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/config/server_config.hpp"
#include "common/protocol/own_keys.hpp"

namespace vpn::server {

/// A fresh key in the file itself; the one before goes on for `grace`, or ends at once if that is zero.
/// Errors: two answer already at `now`; nothing has changed then.
Result<void> rekey(config::ServerConfig& config, Duration grace, Wall now, Random& random);
/// Errors: there is no old key.
Result<void> end_old_key(config::ServerConfig& config);
/// Takes an old key out whose time is over. False if there is none.
bool drop_ended_key(config::ServerConfig& config, Wall now);

/// What answers at `now`.
protocol::OwnKeys own_keys(const config::ServerInterface& interface, Wall now);

} // namespace vpn::server
