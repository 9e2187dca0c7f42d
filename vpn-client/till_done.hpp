// Something that must be done, and is tried again until it is: where it was refused, and where memory did not suffice for it.
// One thread: the event loop's. Refuses to know: what it is.
#pragma once

#include "vpn-client/watch.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>

namespace vpn::client {

class TillDone {
  public:
    /// `attempt` does it, and returns false if it was refused; it is told whether it was refused the last time, too.
    /// The next one comes a second later, then after twice the time, but for `longest` at most.
    TillDone(boost::asio::io_context& loop, std::function<bool(bool again)> attempt, Duration longest = std::chrono::seconds(1));

    /// Now. Throws what the attempt throws, which is made again all the same.
    void begin();
    /// After so long; replaces what was to come.
    void begin_in(Duration wait);

  private:
    void try_it();

    std::function<bool(bool)> attempt_;
    Duration longest_;
    Duration wait_; ///< from the next attempt to the one behind it
    bool refused_ = false;
    Alarm again_;
};

} // namespace vpn::client
