// `vpn-client pause TIME [NAME]`: opens the lock and goes past the tunnel for a while, so that somebody can log in to a captive
// portal. It ends by itself.
#pragma once

#include "common/base/time.hpp"
#include "common/system/exit_code.hpp"

#include <optional>
#include <string>

namespace vpn::client {

struct PauseCommand {
    /// Zero ends a pause.
    Duration time{0};
    std::optional<std::string> name;
};

system::ExitCode pause(const PauseCommand& command);

} // namespace vpn::client
