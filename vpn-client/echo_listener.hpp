// Hears the answers to echo requests that did not leave by this machine's own network stack: as they come out of the tunnel,
// before any firewall that would wonder who asked. Refuses to know: what was asked, and why.
#pragma once

#include "common/base/ip.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"
#include "vpn-client/icmp_echo.hpp"

#include <cstdint>
#include <optional>

namespace vpn::client {

class EchoListener {
  public:
    /// Deaf yet. Errors: EPERM without CAP_NET_RAW.
    static system::OsResult<EchoListener> open();
    /// Hears what comes out of this interface from now on. Errors: there is none.
    system::OsResult<void> listen(std::uint32_t interface, Family family);

    /// Non-blocking; readable when an answer is there.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// None if there is none yet, or it was something else after all.
    [[nodiscard]] std::optional<EchoReply> next() const;

  private:
    explicit EchoListener(system::UniqueFd fd) : fd_(std::move(fd)) {}
    system::UniqueFd fd_;
};

} // namespace vpn::client
