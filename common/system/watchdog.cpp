#include "common/system/watchdog.hpp"

#include "common/system/service_manager.hpp"

#include <systemd/sd-daemon.h>

namespace vpn::system {

std::chrono::microseconds watchdog_time() {
    std::uint64_t microseconds = 0;
    const bool watched = ::sd_watchdog_enabled(0, &microseconds) > 0;
    return std::chrono::microseconds(watched ? microseconds : 0);
}

Watchdog::Watchdog(boost::asio::io_context& loop) : interval_(watchdog_time() / 2), timer_(loop) {
    if (interval_.count() > 0) arm();
}

void Watchdog::arm() {
    timer_.expires_after(interval_);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        arm(); // first: whatever memory there is, it is called again
        tell_service_manager("WATCHDOG=1");
    });
}

} // namespace vpn::system
