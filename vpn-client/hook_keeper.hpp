// A connection's hooks, each moment at its time, while the daemon's event loop goes on: tunnels are served and questions answered
// meanwhile. What becomes of them is told, to the log and to whoever waits. One thread.
// Refuses to know: which moment it is.
#pragma once

#include "common/system/event_loop.hpp"
#include "common/system/log.hpp"
#include "vpn-client/hook_runner.hpp"
#include "vpn-client/watch.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace vpn::client {

class HookKeeper {
  public:
    /// `events` runs the loop, and outlives this as that does.
    HookKeeper(boost::asio::io_context& loop, system::EventLoop& events, HookRunner runner, system::Logger log);
    HookKeeper(const HookKeeper&) = delete;
    HookKeeper& operator=(const HookKeeper&) = delete;

    /// Those of PreUp or PostUp, until they are over; each turn of the loop asks whether they are still wanted, and ends them if
    /// not. One that takes ten seconds is told of on stderr. Errors: failure, with the first that failed; the rest is not run.
    Granted<void> run_up(HookMoment moment, const std::function<bool()>& wanted);
    /// Those of PreDown or PostDown, until they are over. Failures are told and stop nothing, also those of the loop's handlers.
    void run_down(HookMoment moment) noexcept;

    /// `PostUp at line 4`, or `PostUp` where none of them has begun; empty: no moment is on.
    [[nodiscard]] std::string running() const;
    /// The terminal and the directory are not ours any more.
    void leave() { runner_.leave(); }

  private:
    void begin(HookMoment moment);
    void handle_news();
    void handle_news(const HookNews& news);
    void handle_gone();
    void wait_at_most(Duration time);

    system::EventLoop& events_;
    HookRunner runner_;
    system::Logger log_;
    std::optional<Watch> watch_;         ///< goes before the runner, whose descriptor it shares; none: nobody is there
    boost::asio::steady_timer too_long_; ///< stands still while the machine sleeps, as the hooks do
    std::optional<HookMoment> moment_;   ///< that is on
    std::optional<Hook> running_;
    std::uint32_t next_ = 0;             ///< those before this one have begun, if they are of the moment
    std::optional<std::string> failure_; ///< of the moment, as people are told
};

} // namespace vpn::client
