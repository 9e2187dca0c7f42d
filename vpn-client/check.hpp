// vpn-client check FILE|NAME: whether `connect` would take the file. Changes nothing and needs no rights but to read it.
#pragma once

#include "common/system/exit_code.hpp"

#include <string>

namespace vpn::client {

struct CheckCommand {
    std::string target; ///< FILE|NAME
};

system::ExitCode check(const CheckCommand& command);

} // namespace vpn::client
