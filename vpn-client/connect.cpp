#include "vpn-client/connect.hpp"

#include "common/system/clocks.hpp"
#include "common/system/daemonise.hpp"
#include "common/system/memory_reserve.hpp"
#include "common/system/process.hpp"
#include "common/system/progress.hpp"
#include "common/system/service_manager.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/conflicts.hpp"
#include "vpn-client/daemon.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/doctor/look_around.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/portal/check.hpp"
#include "vpn-client/walls.hpp"
#include "vpn-client/wg_quick_notes.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

constexpr unsigned first_descriptor_of_others = 3;
constexpr Duration time_for_portal = std::chrono::seconds(2);

/// What a second `connect` of the same name ends with.
ExitCode tell_already_running(const Report& report) {
    switch (report.state) {
    case State::connected: std::cout << "already connected: " << report.name << '\n' << std::flush; return ExitCode::ok;
    case State::connecting: return complain({ExitCode::failure, report.name + " is being connected already", std::nullopt});
    case State::ending:
        return complain({ExitCode::failure, report.name + " is being disconnected: connect again when it is", std::nullopt});
    case State::broken: break;
    }
    std::cerr << "vpn-client: " << report.name << " runs already, but " << report.because << '\n';
    std::cerr << "  It goes on trying; to begin anew: vpn-client disconnect " << report.name << '\n';
    std::cerr << "reason=" << report.reason << '\n';
    return ExitCode::no_tunnel;
}

Granted<std::vector<OtherConnection>> other_connections(const std::string& own) {
    std::vector<OtherConnection> others;
    for (const std::string& name : running_connections()) {
        if (name == own) continue;
        const auto report = ask_for_report(name);
        if (!report && report.error().kind == DaemonError::Kind::no_answer)
            return refuse(ExitCode::failure, report.error().message);
        if (!report) continue;       // gone meanwhile; or not ours to ask, and then not ours to connect either
        if (report->apart) continue; // nobody's routes but its program's
        OtherConnection other{name, {}};
        for (const PeerReport& peer : report->peers)
            for (const std::string& text : peer.allowed_ips)
                if (const auto prefix = Prefix::parse(text)) other.claim.allowed_ips.push_back(*prefix);
        for (const std::string& text : report->full_families)
            other.claim.full_families.push_back(text == "ipv4" ? Family::v4 : Family::v6);
        others.push_back(std::move(other));
    }
    return others;
}

Granted<void> check_conflicts(const ConnectionFile& file) {
    const auto others = other_connections(file.origin.name);
    if (!others) return tl::unexpected(others.error());
    Claim claim{all_allowed_ips(file.config), {}};
    for (const Family family : {Family::v4, Family::v6})
        if (is_full_tunnel(file.config, family)) claim.full_families.push_back(family);
    if (auto conflict = find_conflict(claim, *others)) return refuse(ExitCode::failure, std::move(*conflict));
    return {};
}

/// We connect all the same: the greatest time that the server has seen from us is kept.
void say_clock_went_back(const ConnectionFile& file) {
    const checks::Finding clock = checks::judge_clock(system::now().wall, checks::last_greeting(file));
    if (clock.verdict == checks::Verdict::ok) return;
    say_notes({"warning: the clock of this machine: " + clock.says + "; " + clock.fix});
}

/// Somebody on the way may be the reason. Whoever answered in the protocol is not kept away.
bool may_be_a_portal(Reason reason) {
    using enum Reason;
    return reason == silence || reason == no_route || reason == port_closed || reason == name_not_resolved;
}

/// One connection from its file to its end, in the process that stays.
class Connecting {
  public:
    Connecting(const ConnectCommand& command, ConnectionName name, system::LogLevel level, system::BackgroundChild* child)
        : command_(command), name_(std::move(name)), child_(child),
          log_(level, child == nullptr ? system::LogTarget::standard_error : system::LogTarget::syslog, "vpn-client") {}

    ExitCode run() {
        std::signal(SIGCHLD, SIG_DFL); // whoever called us may have left it ignored, and then our children bury themselves
        if (command_.run_hooks) {      // before there is a key in memory, and outside of our walls
            auto runner = HookRunner::start();
            if (!runner) return complain(runner.error());
            hooks_ = std::move(*runner);
        }
        const auto unprotected = system::protect_memory();
        system::set_memory_aside();
        system::tell_service_manager("STATUS=connecting");
        auto file = load_connection(name_, command_.run_hooks ? FileTrust::roots : FileTrust::ours);
        if (!file) return complain(file.error());
        file->origin.path = std::filesystem::absolute(name_.path); // the background's directory is another
        if (const auto settled = settle_hooks(*file); !settled) return complain(settled.error());
        if (const auto report = ask_for_report(name_.name)) return tell_already_running(*report);
        if (const auto free = check_conflicts(*file); !free) return complain(free.error());
        portal_check_ = file->config.interface.portal_check;
        say_notes(std::exchange(file->notes, {}));
        say_clock_went_back(*file);
        auto preparation = prepare(std::move(*file), {command_.timeout, stop_});
        if (!preparation) return complain(with_portal(preparation.error()));
        if (unprotected) log_.warn("memory-unprotected", {{"why", *unprotected}});
        // Others may have connected while we waited for a name server, or for our turn.
        if (const auto free = check_conflicts(preparation->file); !free) return complain(free.error());
        say_notes(preparation->file.notes);
        say_notes(preparation->plan.warnings);
        say_notes(preparation->dns.warnings);
        return go_on(std::move(*preparation));
    }

  private:
    /// Before we hear anything but the file: what we are made to believe then has no hooks of its own run.
    Granted<void> settle_hooks(ConnectionFile& file) {
        const auto lines = std::exchange(file.hooks, {});
        if (command_.run_hooks) return hooks_.seal(hooks_of(lines), file.config.interface.name);
        for (std::string& note : notes_on_hooks(lines, hooks_may_run)) file.notes.push_back(std::move(note));
        return {};
    }

    /// Requires: everything is as it was before, so that no lock of ours is opened for a question, nor one asked past a tunnel.
    /// Through a lock that stood before it does not pass.
    [[nodiscard]] Refusal with_portal(Refusal refusal) const {
        if (!portal_check_ || stop_.asked() || !refusal.reason || !may_be_a_portal(*refusal.reason)) return refusal;
        const system::Progress progress("looking for a captive portal");
        const WayOut seen = ask_for_way_out({*portal_check_, {}, outer_mark, time_for_portal});
        if (seen.kind == WayOut::Kind::portal)
            refusal.message = portal_explanation(seen.host, name_.name) + '\n' + refusal.message;
        return refusal;
    }

    /// In the foreground the log tells how it goes.
    [[nodiscard]] Granted<std::string> wait_for_tunnel(Daemon& daemon) const {
        std::optional<system::Progress> progress;
        if (child_ != nullptr) progress.emplace("waiting for the server of " + name_.name);
        return daemon.wait_for_tunnel(command_.timeout);
    }

    ExitCode go_on(Preparation preparation) {
        wall_in_connection(preparation.dns, log_);
        auto daemon = Daemon::start(std::move(preparation), std::move(hooks_), stop_, log_);
        if (!daemon) return complain(daemon.error());
        auto connected = wait_for_tunnel(**daemon);
        if (connected)
            if (const auto up = (*daemon)->run_post_up(); !up) connected = tl::unexpected(up.error());
        if (!connected) {
            daemon->reset(); // whoever reads that it failed finds everything as it was
            return complain(with_portal(connected.error()));
        }
        std::cout << "connected: " << *connected << '\n' << std::flush;
        system::tell_service_manager("READY=1\nSTATUS=connected: " + *connected);
        if (child_ != nullptr) {
            (*daemon)->leave_surroundings();
            child_->detach(ExitCode::ok);
        }
        const ExitCode code = (*daemon)->run();
        system::tell_service_manager("STOPPING=1\nSTATUS=putting everything back");
        return code;
    }

    const ConnectCommand& command_;
    ConnectionName name_;
    system::BackgroundChild* child_;
    system::Logger log_;
    StopSignal stop_;
    HookRunner hooks_; ///< those that may run; until the daemon has it
    std::optional<config::HttpUrl> portal_check_;
};

} // namespace

ExitCode connect(const ConnectCommand& command, system::LogLevel level) {
    auto name = parse_connection_name(command.target);
    if (!name) return complain(name.error());
    std::signal(SIGPIPE, SIG_IGN);
    if (command.foreground) return Connecting(command, std::move(*name), level, nullptr).run();
    ::close_range(first_descriptor_of_others, ~0U, 0); // a lock that a script holds is not ours to hold for days
    auto side = system::daemonise();                   // before there is a key in memory: the one who waits must not keep a copy
    if (!side) return complain({ExitCode::failure, side.error().message, std::nullopt});
    if (const auto* parent = std::get_if<system::ParentResult>(&*side)) return static_cast<ExitCode>(parent->exit_code);
    system::Progress::show_beside(::getppid());
    return Connecting(command, std::move(*name), level, &std::get<system::BackgroundChild>(*side)).run();
}

} // namespace vpn::client
