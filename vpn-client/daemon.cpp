#include "vpn-client/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <new>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;
using system::ExitCode;

/// A handshake that comes at the last moment still gets this long to be proved.
constexpr Duration time_for_probe = 2s;

Result<Network> put_in_place(Preparation& preparation) {
    if (preparation.plan.apart)
        return Network::apply_apart(std::move(preparation.netlink), std::move(preparation.nftables), preparation.plan);
    return Network::apply(std::move(preparation.netlink), std::move(preparation.nftables), preparation.file.origin.name,
                          preparation.plan, preparation.running);
}

/// Before there is a tunnel that could tell more.
Report report_before(const ConnectionFile& file) {
    Report report;
    report.name = file.origin.name;
    report.file = file.origin.path;
    report.interface = file.config.interface.name;
    report.process = ::getpid();
    report.because = "getting ready";
    report.lock = file.config.interface.lock ? LockState::shut : LockState::off;
    return report;
}

} // namespace

Granted<std::unique_ptr<Daemon>> Daemon::start(Preparation preparation, HookRunner hooks, const StopSignal& stop,
                                               system::Logger log) {
    std::unique_ptr<Daemon> daemon(new Daemon(preparation, std::move(hooks), stop, std::move(log)));
    if (auto up = daemon->put_up(std::move(preparation)); !up) return tl::unexpected(std::move(up.error()));
    return daemon;
}

Daemon::Daemon(Preparation& preparation, HookRunner hooks, const StopSignal& stop, system::Logger log)
    : log_(std::move(log)), name_(preparation.file.origin.name), bare_(report_before(preparation.file)),
      lock_(std::move(preparation.lock)), hooks_(loop_, events_, std::move(hooks), log_) {
    const bool asked_again = preparation.plan.apart; // by somebody at the terminal of a program that goes on all the same
    stop_watch_.emplace(loop_, stop.fd(), [this, asked_again] {
        asked_to_end_ = true;
        if (!asked_again) stop_watch_.reset(); // it stays readable, and the loop still has hooks to wait for
    });
    control_.emplace(loop_, std::move(preparation.listener), [this](std::string_view request) { return answer(request); });
}

/// What is left of the preparation goes with it: where this fails, before PostDown is run.
Granted<void> Daemon::put_up(Preparation preparation) {
    if (auto ran = hooks_.run_up(HookMoment::pre_up, [this] { return !ended(); }); !ran) return ran;
    auto network = put_in_place(preparation);
    if (!network) return refuse(ExitCode::failure, network.error().message);
    const std::string& interface = preparation.file.config.interface.name;
    auto dns = Dns::apply(preparation.dns, name_, interface, preparation.plan.interface);
    if (!dns) return refuse(ExitCode::failure, dns.error().message);
    tunnel_ = std::make_unique<Tunnel>(
        loop_,
        Tunnel::Parts{std::move(preparation.file), std::move(preparation.endpoints), std::move(preparation.servers),
                      std::move(preparation.leak_lock), std::move(preparation.device), std::move(preparation.sockets),
                      std::move(preparation.plan), std::move(*network), std::move(*dns), std::move(preparation.outside),
                      std::move(preparation.inside), preparation.limit},
        log_);
    return {};
}

Daemon::~Daemon() {
    ending_ = true;
    if (ran_post_up_) hooks_.run_down(HookMoment::pre_down);
    bare_.because = "putting everything back";
    bare_.lock = tunnel_ && tunnel_->lock_stays() ? LockState::shut : LockState::off;
    tunnel_.reset();
    hooks_.run_down(HookMoment::post_down);
    log_.info("ended", {{"connection", name_}});
}

Report Daemon::report() {
    Report report = tunnel_ ? tunnel_->report() : bare_;
    report.hook = hooks_.running();
    if (ending_)
        report.state = State::ending;
    else if (!report.hook.empty())
        report.state = State::connecting;
    if (!report.hook.empty()) report.because = report.hook + " runs";
    return report;
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
    case Command::status: return format(to_json(report()));
    case Command::pause:
        if (!tunnel_) return format(error_answer(name_ + " has no tunnel now"));
        if (tunnel_->apart())
            return format(error_answer(name_ + " serves the program of `run` alone, which has no other way out"));
        if (const auto done = tunnel_->pause(decoded->time); !done) return format(error_answer(done.error().message));
        return format(paused_answer());
    case Command::disconnect: break;
    }
    if (tunnel_) tunnel_->open_lock_at_end();
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
    return hooks_.run_up(HookMoment::post_up, [this] { return !ended(); });
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
    watchdog_.emplace(loop_);
    while (!ended()) events_.run_one();
    if (tunnel_->lock_stays())
        log_.warn("lock-stays-shut", {{"connection", name_}, {"to-open", "vpn-client disconnect " + name_}});
    return tunnel_->gone() ? ExitCode::failure : ExitCode::ok;
}

} // namespace vpn::client
