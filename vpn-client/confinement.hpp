// One program in a network namespace of its own, seen from outside. The namespaces are there from the start, and the program
// waits in them until its tunnel works. Everything in there ends with this object, with the program, and with this process, even
// by kill -9: the kernel sees to that (a PID namespace, whose first process dies with us). Refuses to know: tunnels.
#pragma once

#include "common/base/result.hpp"
#include "common/system/unique_fd.hpp"
#include "vpn-client/program_user.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

class Confinement {
  public:
    /// Requires: no other thread, no key in memory (a copy would stay in the first process in there).
    /// Errors: no_permission without CAP_SYS_ADMIN; failure.
    static Granted<Confinement> start(const std::vector<std::string>& program, const ProgramUser& user);
    Confinement(Confinement&& other) noexcept;
    Confinement& operator=(Confinement&&) = delete;
    ~Confinement();

    /// This thread, and those it starts, from now on use the network in there. Sockets that are open stay where they were made.
    [[nodiscard]] Result<void> enter() const;
    /// Starts the program. `resolver` takes the place of /etc/resolv.conf; empty: it stays.
    [[nodiscard]] Result<void> begin(std::string_view resolver);
    /// Hands a signal on to the program.
    void forward(int signal) const;
    /// Asks the program to end, and ends it after five seconds.
    void end() const;
    /// Readable when everything in there has ended.
    [[nodiscard]] int fd() const { return process_.get(); }
    /// Waits for that. The program's own code, or 128 and the number of the signal that ended it.
    int exit_code();

  private:
    Confinement(pid_t first, system::UniqueFd process, system::UniqueFd door)
        : first_(first), process_(std::move(process)), door_(std::move(door)) {}

    pid_t first_; ///< the first process in there; zero if it has been waited for, or we were moved from
    system::UniqueFd process_;
    system::UniqueFd door_;
};

} // namespace vpn::client
