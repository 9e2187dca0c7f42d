// `vpn-client doctor`: looks at this machine and, if there is one, at a connection, and says what is wrong and what to do.
// Changes nothing but the handshake timestamps, where it tries one.
#pragma once

#include "common/system/exit_code.hpp"

#include <optional>
#include <string>

namespace vpn::client {

struct DoctorCommand {
    /// FILE or NAME; without it, the only connection there is, or the machine alone.
    std::optional<std::string> target;
    bool json = false;
};

/// ok if nothing failed.
system::ExitCode doctor(const DoctorCommand& command);

} // namespace vpn::client
