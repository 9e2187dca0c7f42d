// vpn-client disconnect [NAME]: ends a connection, and returns when everything is put back.
#pragma once

#include "common/system/exit_code.hpp"

#include <optional>
#include <string>

namespace vpn::client {

struct DisconnectCommand {
    std::optional<std::string> name; ///< none: the only one
};

system::ExitCode disconnect(const DisconnectCommand& command);

} // namespace vpn::client
