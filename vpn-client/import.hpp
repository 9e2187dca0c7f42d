// vpn-client import FILE: a connection's file, checked and put where its name finds it. wg-quick's text becomes JSON.
#pragma once

#include "common/system/exit_code.hpp"

#include <string>

namespace vpn::client {

struct ImportCommand {
    std::string file;
    std::string output; ///< empty: /etc/vpn/NAME.json
};

system::ExitCode import_connection(const ImportCommand& command);

} // namespace vpn::client
