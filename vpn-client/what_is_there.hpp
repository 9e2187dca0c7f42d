// Which connection a command means that was given no name. Not only those that run: a crash leaves things to put back, and a lock
// stands on its own.
#pragma once

#include "vpn-client/refusal.hpp"

#include <optional>
#include <string>

namespace vpn::client {

/// Errors: usage for what can be no name, or if there are several; not_running if there is none at all.
Granted<std::string> named_or_only(const std::optional<std::string>& name);

} // namespace vpn::client
