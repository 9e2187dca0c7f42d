// The command line of vpn-client, taken apart. Only cli.cpp knows the library that does it.
#pragma once

#include "common/system/log.hpp"
#include "vpn-client/card.hpp"
#include "vpn-client/check.hpp"
#include "vpn-client/connect.hpp"
#include "vpn-client/disconnect.hpp"
#include "vpn-client/doctor/doctor.hpp"
#include "vpn-client/export.hpp"
#include "vpn-client/import.hpp"
#include "vpn-client/interface.hpp"
#include "vpn-client/lock_command.hpp"
#include "vpn-client/pause.hpp"
#include "vpn-client/recover.hpp"
#include "vpn-client/run.hpp"
#include "vpn-client/status.hpp"

#include <tl/expected.hpp>

#include <variant>

namespace vpn::client {

struct CommandLine {
    system::LogLevel log_level = system::LogLevel::info;
    std::variant<ConnectCommand, DisconnectCommand, StatusCommand, CheckCommand, PauseCommand, LockCommand, RecoverCommand,
                 ImportCommand, ExportCommand, DoctorCommand, InterfaceCommand, CardCommand, RunCommand>
        command;
};

/// By a link that is called vpn-interface, the command is `interface`. Help, versions and mistakes are printed here; the error is
/// what to end with then.
tl::expected<CommandLine, system::ExitCode> parse_command_line(int argc, const char* const* argv);

} // namespace vpn::client
