// Tells a service manager that the event loop still turns, twice within the time after which it takes us for hung and starts us
// anew (sd_watchdog_enabled(3)). It counts time that the machine is awake, and so do we.
// Refuses to know: what the loop does.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace vpn::system {

/// What WATCHDOG_USEC and WATCHDOG_PID say; zero: nobody watches this process.
std::chrono::microseconds watchdog_time();

class Watchdog {
  public:
    explicit Watchdog(boost::asio::io_context& loop);

  private:
    void arm();

    std::chrono::microseconds interval_;
    boost::asio::steady_timer timer_;
};

} // namespace vpn::system
