// Changes of interfaces, addresses and routes, as they happen.
// Refuses to know: what to do about them. An event says where to look again, not what is there now.
#pragma once

#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <cstdint>
#include <vector>

namespace vpn::system {

struct NetlinkEvent {
    enum class Kind : std::uint8_t {
        link_changed,
        link_removed,
        address_added,
        address_removed,
        route_added,
        route_removed,
        lost, ///< more happened than the kernel could keep for us: look at everything again
    };
    Kind kind = Kind::lost;
    /// The interface concerned; zero if none.
    std::uint32_t interface = 0;
    /// For link_changed.
    bool up = false;
    bool running = false;
    friend bool operator==(const NetlinkEvent&, const NetlinkEvent&) = default;
};

/// Hears of the network namespace it was opened in. Not thread-safe.
class NetlinkMonitor {
  public:
    static OsResult<NetlinkMonitor> open();

    /// Non-blocking; readable when there are events.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Everything that is there, without waiting; empty if nothing is.
    std::vector<NetlinkEvent> read();

  private:
    explicit NetlinkMonitor(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

} // namespace vpn::system
