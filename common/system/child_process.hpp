// One program, run to its end while the caller waits.
// Refuses to know: what the program does.
#pragma once

#include "common/base/time.hpp"
#include "common/system/os_error.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace vpn::system {

struct ChildEnd {
    enum class Kind : std::uint8_t {
        exited,
        killed,      ///< by a signal of somebody else's
        too_slow,    ///< ended by us after the limit
        interrupted, ///< ended by us when `interrupt` became readable
    };
    Kind kind = Kind::exited;
    /// What it exited with, or the signal's number.
    int code = 0;

    [[nodiscard]] bool fine() const { return kind == Kind::exited && code == 0; }
    /// `exit 3`, `signal 9`, `too slow`, `interrupted`.
    [[nodiscard]] std::string text() const;
};

/// What a program is given besides its words.
struct ChildSurroundings {
    int input = -1;  ///< its standard input; -1: an empty one
    int output = -1; ///< where both of its outputs go; -1: to our stderr
    std::vector<std::string> environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}; ///< all of it: nothing of ours
    Duration slow_after{};                                                         ///< after so long,
    std::function<void()> slow;                                                    ///< this is called once, if there is one
};

/// Runs `words`, the first of which is the program's path, as a process group of its own with no signal blocked or ignored and no
/// descriptor of ours beside its three streams.
/// One that is too slow or interrupted is asked to end, and killed two seconds later, with all of its group.
/// `interrupt` is a descriptor, or -1. Errors: it could not be started.
OsResult<ChildEnd> run_to_end(const std::vector<std::string>& words, std::optional<Duration> limit, int interrupt = -1,
                              const ChildSurroundings& surroundings = {});

} // namespace vpn::system
