// `vpn-client lock FILE|NAME`: shuts a connection's lock without connecting. For a unit that runs before the network comes up.
#pragma once

#include "common/system/exit_code.hpp"

#include <string>

namespace vpn::client {

struct LockCommand {
    std::string target;
};

system::ExitCode lock(const LockCommand& command);

} // namespace vpn::client
