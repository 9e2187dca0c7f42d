// What somebody at a terminal waits for, and since when: one line on stderr that comes once it takes a moment, counts the
// seconds, and is gone without a trace when it is over. Where stderr is no terminal there is nothing (EXPERIENCE, "Long work
// shows progress"), nor where somebody else has the terminal now. Refuses to know: how long it will take. Nothing else is to be
// printed meanwhile.
#pragma once

#include "common/base/time.hpp"

#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>

namespace vpn::system {

/// `looking up vpn.example.org (3 s)`, cut where the terminal's line ends, so that it can be erased; without seconds in the
/// first.
std::string progress_line(std::string_view what, Duration since, std::size_t columns);

/// One at a time. While it lives, a thread of its own does that, which takes no signals. Not thread-safe.
class Progress {
  public:
    explicit Progress(std::string what, int fd = STDERR_FILENO);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    /// Something else is waited for from now on, and the seconds begin anew.
    void now(std::string what);
    /// From now on the terminal is that process's, whose session this one has left: nothing is shown but while it is in front
    /// there. Call it once, and before files are walled off.
    static void show_beside(pid_t owner);

  private:
    class Line;
    std::unique_ptr<Line> line_; ///< none: nobody looks
};

} // namespace vpn::system
