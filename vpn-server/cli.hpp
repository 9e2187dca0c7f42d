// The command line of `vpn-server`.
// Refuses to know: what a command does.
#pragma once

#include "common/system/exit_code.hpp"
#include "vpn-server/options.hpp"

#include <tl/expected.hpp>

namespace vpn::server {

/// What was asked for; or how to end, once help, a version or a mistake has been printed.
tl::expected<CommandLine, system::ExitCode> parse_command_line(int argc, const char* const* argv);

} // namespace vpn::server
