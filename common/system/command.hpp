// Another program, run to its end: fed, and listened to when it fails.
// Refuses to know: shells. Its environment is a plain PATH and nothing of ours.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::system {

struct CommandResult {
    /// Its exit code, or 128 and the signal that ended it.
    int code = 0;
    /// Of stdout and stderr together, the beginning.
    std::string said;
};

/// Runs `words` (a path and its arguments) with `input` on stdin; kills it after `limit`.
/// Errors: it could not be started, or took too long.
Result<CommandResult> run_command(const std::vector<std::string>& words, std::string_view input, Duration limit);

/// The path of a program in the directories where the system keeps its own; empty if there is none.
std::string find_program(std::string_view name);

} // namespace vpn::system
