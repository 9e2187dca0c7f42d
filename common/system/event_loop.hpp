// Runs a daemon's event loop where memory may run out. A handler that memory does not suffice for is given up, as if what it was
// called for had not come, and the loop goes on; it says so when that begins, once a minute at most, and when it is over.
// Refuses to know: the handlers. Each must stand being given up: what it waits for again it asks for before anything may fail,
// or whatever fails; what it changes, it makes first and then puts in place.
#pragma once

#include "common/base/time.hpp"
#include "common/system/log.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <optional>

namespace vpn::system {

class EventLoop {
  public:
    EventLoop(boost::asio::io_context& loop, Logger log) : loop_(loop), log_(std::move(log)) {}

    /// Until the loop is stopped, or has nothing more to do.
    void run();
    /// Waits for one handler, and runs it.
    void run_one();

  private:
    void look_after_memory();
    void tell();

    boost::asio::io_context& loop_;
    Logger log_;
    bool is_short_ = false;
    bool was_told_ = false;
    std::optional<Boot> last_told_;
    std::uint64_t given_up_ = 0; ///< since it is short
};

} // namespace vpn::system
