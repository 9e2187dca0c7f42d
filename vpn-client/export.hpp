// vpn-client export FILE --format wg: a connection as other WireGuard programs read it, its keys included.
#pragma once

#include "common/system/exit_code.hpp"

#include <string>

namespace vpn::client {

struct ExportCommand {
    std::string target; ///< FILE|NAME
    std::string format; ///< wg, the only one
    std::string output; ///< empty: stdout
};

system::ExitCode export_connection(const ExportCommand& command);

} // namespace vpn::client
