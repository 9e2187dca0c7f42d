// How a command ends (EXPERIENCE: exit codes).
#pragma once

namespace vpn::system {

enum class ExitCode : int {
    ok = 0,
    failure = 1,
    usage = 2,
    not_running = 3,
    no_tunnel = 4,
    no_permission = 5,
    bad_configuration = 6,
};

/// For `return to_int(code)` in main.
constexpr int to_int(ExitCode code) { return static_cast<int>(code); }

} // namespace vpn::system
