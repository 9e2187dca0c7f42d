// vpn-client run NAME -- COMMAND: one program whose only way out is the tunnel. The rest of the machine stays as it is: the
// tunnel's interface is made in a network namespace of the program's own, and only the UDP sockets stay outside.
#pragma once

#include "common/base/time.hpp"
#include "common/system/exit_code.hpp"
#include "common/system/log.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace vpn::client {

struct RunCommand {
    std::string target; ///< FILE|NAME
    std::string user;   ///< empty: whoever called sudo, or we
    Duration timeout = std::chrono::seconds(15);
    std::vector<std::string> program; ///< with its arguments
};

/// The program's own code if it was started. Requires: no other thread.
system::ExitCode run_program(const RunCommand& command, system::LogLevel level);

} // namespace vpn::client
