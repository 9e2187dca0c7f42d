// How a thread that blocks on descriptors is woken by another.
#pragma once

#include "common/system/unique_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace vpn::tun {

/// A descriptor that any thread makes readable.
class EventFd {
  public:
    EventFd() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (!fd_) throw std::system_error(errno, std::generic_category(), "cannot make an event descriptor");
    }
    void raise() const {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one); // full means that it is readable already
    }
    void acknowledge() const {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto read = ::read(fd_.get(), &count, sizeof count);
    }
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    system::UniqueFd fd_;
};

} // namespace vpn::tun
