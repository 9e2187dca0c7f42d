// Waiting on the event loop: for a descriptor to become readable, for a moment of the boot clock, and for the next turn.
// All may go at any time, in their own handlers too. One thread.
#pragma once

#include "common/system/clocks.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>

namespace vpn::client {

/// Calls `readable` whenever the descriptor, which stays its owner's, has something to read.
class Watch {
  public:
    Watch(boost::asio::io_context& loop, int fd, std::function<void()> readable);
    Watch(Watch&&) noexcept = default;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Calls `ring` once, at the time it was last set to.
class Alarm {
  public:
    Alarm(boost::asio::io_context& loop, std::function<void()> ring);
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    /// Replaces the time. What has passed rings at once.
    void set_in(Duration wait) { timer_.set(system::now().boot + wait); }
    void clear() { timer_.set(std::nullopt); }

  private:
    system::BootTimer timer_;
    Watch watch_;
};

/// Calls what it is given in a turn of its own, unless it has gone by then.
class Soon {
  public:
    explicit Soon(boost::asio::io_context& loop) : loop_(loop) {}
    Soon(const Soon&) = delete;
    Soon& operator=(const Soon&) = delete;

    void call(std::function<void()> act);

  private:
    boost::asio::io_context& loop_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace vpn::client
