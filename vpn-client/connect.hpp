// vpn-client connect FILE|NAME: one connection up, and its process in the background (EXPERIENCE, "Connected means connected").
#pragma once

#include "common/base/time.hpp"
#include "common/system/exit_code.hpp"
#include "common/system/log.hpp"

#include <chrono>
#include <string>

namespace vpn::client {

struct ConnectCommand {
    std::string target; ///< FILE|NAME
    bool foreground = false;
    bool run_hooks = false;                      ///< those of a wg-quick file
    Duration timeout = std::chrono::seconds(15); ///< zero waits for ever
};

/// Returns in the process that was called, when the tunnel works or can't; and once more in the one that went on, at its end.
/// Requires: no other thread.
system::ExitCode connect(const ConnectCommand& command, system::LogLevel level);

} // namespace vpn::client
