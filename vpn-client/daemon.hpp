// A connection's process: waits until the tunnel works or can't, then goes on until it is told to end. It answers commands on the
// control socket all the while. Refuses to know: terminals and the background.
#pragma once

#include "common/system/control_server.hpp"
#include "common/system/event_loop.hpp"
#include "common/system/instance_lock.hpp"
#include "common/system/watchdog.hpp"
#include "vpn-client/control_messages.hpp"
#include "vpn-client/hook_keeper.hpp"
#include "vpn-client/stop_signal.hpp"
#include "vpn-client/tunnel.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace vpn::client {

class Daemon {
  public:
    /// Runs PreUp, and changes the machine as planned. Errors: failure, and nothing has changed.
    static Granted<std::unique_ptr<Daemon>> start(Preparation preparation, HookRunner hooks, const StopSignal& stop,
                                                  system::Logger log);
    /// Runs PreDown if PostUp was run, puts everything back, and runs PostDown. Whoever asked for it on the socket sees it closed
    /// then.
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Waits until the tunnel works; zero is for ever. What to tell people, see Tunnel::success_line.
    /// Errors: no_tunnel with its reason; failure if somebody ended it meanwhile.
    Granted<std::string> wait_for_tunnel(Duration limit);

    /// Once the tunnel works. Errors: failure if one of them failed, or somebody ended it meanwhile.
    Granted<void> run_post_up();

    /// The terminal and the directory are not ours any more: nor the hooks' to come.
    void leave_surroundings() { hooks_.leave(); }

    /// Until somebody ends it: ok, or failure if it was the interface that went.
    system::ExitCode run();

    /// Until `program` becomes readable. Whoever asks us to end is handed to `end_asked` instead (true: by `disconnect`).
    /// False: the interface was removed before.
    bool run_beside(int program, const std::function<void(bool disconnected)>& end_asked);

  private:
    Daemon(Preparation& preparation, HookRunner hooks, const StopSignal& stop, system::Logger log);
    Granted<void> put_up(Preparation preparation);
    /// To a command; what memory does not suffice for is refused.
    std::string answer(std::string_view request);
    std::string carry_out(std::string_view request);
    [[nodiscard]] Report report();
    [[nodiscard]] bool ended() const { return asked_to_end_ || (tunnel_ && tunnel_->gone()); }

    boost::asio::io_context loop_;
    system::Logger log_;
    system::EventLoop events_{loop_, log_};
    std::string name_;
    Report bare_;                                  ///< what is told while there is no tunnel
    system::InstanceLock lock_;                    ///< goes last: who gets it next makes a socket of its own
    std::optional<system::ControlServer> control_; ///< its end is the sign that all is done
    HookKeeper hooks_;
    std::unique_ptr<Tunnel> tunnel_; ///< none before PreUp has ended, nor when PostDown begins
    std::optional<system::Watchdog> watchdog_;
    bool ran_post_up_ = false;
    bool ending_ = false;
    std::optional<Watch> stop_watch_;
    bool asked_to_end_ = false;
    bool disconnected_ = false; ///< it was a command that asked
    bool time_is_up_ = false;
};

} // namespace vpn::client
