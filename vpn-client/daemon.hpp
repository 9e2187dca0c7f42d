// A connection's process: waits until the tunnel works or can't, then goes on until it is told to end. It answers commands on the
// control socket all the while. Refuses to know: terminals and the background.
#pragma once

#include "common/system/control_server.hpp"
#include "common/system/event_loop.hpp"
#include "common/system/instance_lock.hpp"
#include "vpn-client/control_messages.hpp"
#include "vpn-client/hooks.hpp"
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
    static Granted<std::unique_ptr<Daemon>> start(Preparation preparation, Hooks hooks, const StopSignal& stop,
                                                  system::Logger log);
    /// Runs PreDown if PostUp was run, puts everything back, and runs PostDown. Whoever asked for it on the socket sees it closed
    /// then.
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Waits until the tunnel works; zero is for ever. What to tell people, see Tunnel::success_line.
    /// Errors: no_tunnel with its reason; failure if somebody ended it meanwhile.
    Granted<std::string> wait_for_tunnel(Duration limit);

    /// Once the tunnel works. Errors: failure if one of them failed.
    Granted<void> run_post_up();

    /// Until somebody ends it: ok, or failure if it was the interface that went.
    system::ExitCode run();

    /// Until `program` becomes readable. Whoever asks us to end is handed to `end_asked` instead (true: by `disconnect`).
    /// False: the interface was removed before.
    bool run_beside(int program, const std::function<void(bool disconnected)>& end_asked);

  private:
    /// Runs PostDown when it goes.
    class LastHooks;

    Daemon(Preparation& preparation, Network network, Dns dns, std::unique_ptr<LastHooks> hooks, const StopSignal& stop,
           system::Logger log);
    /// To a command; what memory does not suffice for is refused.
    std::string answer(std::string_view request);
    std::string carry_out(std::string_view request);
    [[nodiscard]] bool ended() const { return asked_to_end_ || tunnel_->gone(); }

    boost::asio::io_context loop_;
    system::Logger log_;
    system::EventLoop events_{loop_, log_};
    std::string name_;
    system::InstanceLock lock_;                    ///< goes last: who gets it next makes a socket of its own
    std::optional<system::ControlServer> control_; ///< its end is the sign that all is done
    std::unique_ptr<LastHooks> hooks_;             ///< the last of them when the interface is gone
    std::unique_ptr<Tunnel> tunnel_;
    const StopSignal& stop_;
    bool ran_post_up_ = false;
    Watch stop_watch_;
    bool asked_to_end_ = false;
    bool disconnected_ = false; ///< it was a command that asked
    bool time_is_up_ = false;
};

} // namespace vpn::client
