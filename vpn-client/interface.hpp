// `vpn-client interface`, and `vpn-interface`: an interface for `wg`, wg-quick and what was written for wireguard-go (PROTOCOL
// 4).
#pragma once

#include "common/system/exit_code.hpp"
#include "common/system/log.hpp"

#include <string>

namespace vpn::client {

struct InterfaceCommand {
    std::string name;
    bool foreground = false;
};

/// Returns when the interface and its socket exist, leaving a process behind; in the foreground, when that has ended.
system::ExitCode make_interface(const InterfaceCommand& command, system::LogLevel level);

} // namespace vpn::client
