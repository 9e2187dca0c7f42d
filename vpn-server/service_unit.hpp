// The unit by which systemd runs the server: whether it is there, and having it started.
// Refuses to know: what the unit says.
#pragma once

#include "common/base/result.hpp"

#include <string_view>

namespace vpn::server {

inline constexpr std::string_view unit_name = "vpn-server.service";
/// What an administrator types to have the server run, now and after each start of the machine.
inline constexpr std::string_view enable_command = "systemctl enable --now vpn-server";

/// The unit lies where systemd looks for those that are installed.
bool unit_is_installed();

/// systemd is process 1 here (sd_booted(3)): in a container or a chroot it often is not.
bool systemd_runs();

/// Enables the unit and starts it, anew where it runs. Errors: what systemctl said.
Result<void> enable_unit();

} // namespace vpn::server
