// Going on in the background: the one who typed the command sees what the child says and gets its exit code, then the child goes
// on alone.
#pragma once

#include "common/system/exit_code.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <variant>

namespace vpn::system {

/// Standard streams become /dev/null, the directory becomes `/`: for a process that goes on alone.
void leave_surroundings();

/// The child's side. Until it detaches, its standard streams are those of the command, and SIGINT, SIGTERM, SIGHUP and SIGQUIT
/// that reach the parent reach it.
class BackgroundChild {
  public:
    explicit BackgroundChild(UniqueFd to_parent) : to_parent_(std::move(to_parent)) {}
    /// Lets the parent exit with `code` and goes on alone: standard streams become /dev/null, the directory becomes `/`.
    /// A second call does nothing. Flush what was printed first.
    void detach(ExitCode code);

  private:
    UniqueFd to_parent_;
};

/// The parent's side: what is left to do is to exit with this. The child's own code, or `failure` if a signal ended it.
struct ParentResult {
    int exit_code;
};

/// Forks, the child in a session of its own. In the parent it returns when the child has detached or ended.
/// Requires: no other thread, no key in memory (a copy would stay behind in the parent).
OsResult<std::variant<ParentResult, BackgroundChild>> daemonise();

} // namespace vpn::system
