// The first process of a confinement: puts the tunnel's name servers in their place, starts the program as its user, buries what
// becomes an orphan, and ends with the program.
// Refuses to know: tunnels, and keys. Runs nothing but a program that was named at the prompt.
#pragma once

#include "common/system/unique_fd.hpp"
#include "vpn-client/program_user.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

/// What is sent through the door for the program to begin. The door closed without it: there is none to begin.
std::string begin_message(std::string_view resolver);

/// Asks for an end within five seconds.
int signal_to_end();

/// Requires: we are the first in PID, mount and network namespaces that nobody else is in.
[[noreturn]] void live_confined(system::UniqueFd door, const std::vector<std::string>& program, const ProgramUser& user);

} // namespace vpn::client
