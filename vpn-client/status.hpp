// vpn-client status [NAME]: how connections are doing, once or again every second.
#pragma once

#include "common/system/exit_code.hpp"

#include <optional>
#include <string>

namespace vpn::client {

struct StatusCommand {
    std::optional<std::string> name; ///< none: all
    bool json = false;
    bool watch = false;
};

system::ExitCode status(const StatusCommand& command);

} // namespace vpn::client
