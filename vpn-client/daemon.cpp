#include "vpn-client/daemon.hpp"

#include "common/system/watchdog.hpp"

#include <algorithm>
#include <new>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;
using system::ExitCode;

/// A handshake that comes at the last moment still gets this long to be proved.
constexpr Duration time_for_probe = 2s;

Result<Network> put_up(Preparation& preparation) {
    if (preparation.plan.apart)
        return Network::apply_apart(std::move(preparation.netlink), std::move(preparation.nftables), preparation.plan);
    return Network::apply(std::move(preparation.netlink), std::move(preparation.nftables), preparation.file.origin.name,
                          preparation.plan, preparation.running);
}

} // namespace

class Daemon::LastHooks {
  public:
    LastHooks(Hooks hooks, system::Logger log) : hooks_(std::move(hooks)), log_(std::move(log)) {}
    ~LastHooks() { hooks_.run_down(Hooks::Moment::post_down, log_); }
    LastHooks(const LastHooks&) = delete;
    LastHooks& operator=(const LastHooks&) = delete;
    [[nodiscard]] const Hooks& get() const { return hooks_; }

  private:
    Hooks hooks_;
    system::Logger log_;
};

Granted<std::unique_ptr<Daemon>> Daemon::start(Preparation preparation, Hooks hooks, const StopSignal& stop, system::Logger log) {
    auto last_hooks = std::make_unique<LastHooks>(std::move(hooks), log);
    if (auto ran = last_hooks->get().run_up(Hooks::Moment::pre_up, stop, log); !ran) return tl::unexpected(ran.error());
    auto network = put_up(preparation);
    if (!network) return refuse(ExitCode::failure, network.error().message);
    const std::string& interface = preparation.file.config.interface.name;
    auto dns = Dns::apply(preparation.dns, preparation.file.origin.name, interface, preparation.plan.interface);
    if (!dns) return refuse(ExitCode::failure, dns.error().message);
    return std::unique_ptr<Daemon>(
        new Daemon(preparation, std::move(*network), std::move(*dns), std::move(last_hooks), stop, std::move(log)));
}

Daemon::Daemon(Preparation& preparation, Network network, Dns dns, std::unique_ptr<LastHooks> hooks, const StopSignal& stop,
               system::Logger log)
    : log_(std::move(log)), name_(preparation.file.origin.name), lock_(std::move(preparation.lock)), hooks_(std::move(hooks)),
      tunnel_(std::make_unique<Tunnel>(loop_,
                                       Tunnel::Parts{std::move(preparation.file), std::move(preparation.endpoints),
                                                     std::move(preparation.servers), std::move(preparation.leak_lock),
                                                     std::move(preparation.device), std::move(preparation.sockets),
                                                     std::move(preparation.plan), std::move(network), std::move(dns),
                                                     std::move(preparation.outside), preparation.limit},
                                       log_)),
      stop_(stop), stop_watch_(loop_, stop.fd(), [this] { asked_to_end_ = true; }) {
    control_.emplace(loop_, std::move(preparation.listener), [this](std::string_view request) { return answer(request); });
}

Daemon::~Daemon() {
    if (ran_post_up_) hooks_->get().run_down(Hooks::Moment::pre_down, log_);
    log_.info("ended", {{"connection", name_}});
}

std::string Daemon::answer(std::string_view request) {
    try {
        return carry_out(request);
    } catch (const std::bad_alloc&) {
        return format(error_answer(name_ + " has no memory left for this"));
    }
}

std::string Daemon::carry_out(std::string_view request) {
    const auto decoded = decode_request(request);
    if (!decoded) return format(error_answer("unknown request"));
    switch (decoded->command) {
    case Command::status: return format(to_json(tunnel_->report()));
    case Command::pause:
        if (tunnel_->apart())
            return format(error_answer(name_ + " serves the program of `run` alone, which has no other way out"));
        tunnel_->pause(decoded->time);
        return format(paused_answer());
    case Command::disconnect: break;
    }
    tunnel_->open_lock_at_end();
    asked_to_end_ = true;
    disconnected_ = true;
    return format(ending_answer());
}

Granted<std::string> Daemon::wait_for_tunnel(Duration limit) {
    Alarm deadline(loop_, [this] { time_is_up_ = true; });
    if (limit != Duration::zero()) deadline.set_in(limit);
    bool extended = false;
    const auto hopeless = [&] { return limit != Duration::zero() && is_certain(tunnel_->evidence()); };
    while (!tunnel_->works() && !ended() && !hopeless()) {
        if (time_is_up_ && tunnel_->handshake_at() && !std::exchange(extended, true)) {
            const Duration since = system::now().boot - *tunnel_->handshake_at();
            time_is_up_ = false;
            deadline.set_in(std::max(time_for_probe - since, Duration::zero()));
        }
        if (time_is_up_) break;
        events_.run_one();
    }
    if (tunnel_->works()) return tunnel_->success_line();
    if (tunnel_->gone()) return refuse(ExitCode::failure, "the interface was removed by somebody: everything else was put back");
    if (asked_to_end_) return refuse(ExitCode::failure, "interrupted: everything was put back");
    const Evidence evidence = tunnel_->evidence();
    const Reason reason = diagnose(evidence);
    return refuse(reason, explanation(reason, evidence));
}

Granted<void> Daemon::run_post_up() {
    ran_post_up_ = true;
    return hooks_->get().run_up(Hooks::Moment::post_up, stop_, log_);
}

bool Daemon::run_beside(int program, const std::function<void(bool disconnected)>& end_asked) {
    bool ended = false;
    const Watch watch(loop_, program, [&ended] { ended = true; });
    log_.info("connected", {{"connection", name_}});
    while (!ended && !tunnel_->gone()) {
        if (std::exchange(asked_to_end_, false)) end_asked(std::exchange(disconnected_, false));
        events_.run_one();
    }
    return ended;
}

ExitCode Daemon::run() {
    tunnel_->hold_lock();
    log_.info("connected", {{"connection", name_}});
    const system::Watchdog watchdog(loop_);
    while (!ended()) events_.run_one();
    if (tunnel_->lock_stays())
        log_.warn("lock-stays-shut", {{"connection", name_}, {"to-open", "vpn-client disconnect " + name_}});
    return tunnel_->gone() ? ExitCode::failure : ExitCode::ok;
}

} // namespace vpn::client
