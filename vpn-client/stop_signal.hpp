// SIGINT, SIGTERM, SIGHUP and SIGQUIT as something to wait for: whoever asks us to end gets everything put back first.
#pragma once

#include "common/system/unique_fd.hpp"

#include <csignal>
#include <optional>

namespace vpn::client {

class StopSignal {
  public:
    /// Takes these signals away from their usual effect, for this thread and those it starts. Make it before any of them.
    /// Throws std::system_error if the kernel has no descriptor left.
    StopSignal();
    /// What was asked for has been heeded.
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    /// Readable once somebody asked us to end; it stays so until that is taken.
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] bool asked() const;

    struct Request {
        int signal = 0;
        /// Whoever sits there sent it to every process of that terminal, not to us alone.
        bool from_terminal = false;
    };
    /// Takes what asked us off, for who does something else about it. None if nobody asks any more.
    [[nodiscard]] std::optional<Request> take();

  private:
    sigset_t before_{};
    system::UniqueFd fd_;
};

} // namespace vpn::client
