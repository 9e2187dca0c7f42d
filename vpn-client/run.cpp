#include "vpn-client/run.hpp"

#include "common/system/memory_reserve.hpp"
#include "common/system/process.hpp"
#include "common/system/progress.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/confinement.hpp"
#include "vpn-client/daemon.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/dns/dns_plan.hpp"
#include "vpn-client/resolver_place.hpp"
#include "vpn-client/walls.hpp"
#include "vpn-client/wg_quick_notes.hpp"

#include <csignal>
#include <filesystem>

namespace vpn::client {
namespace {

using system::ExitCode;

/// One program from its file to its end. The tunnel is ours; the program lives in the confinement.
class Running {
  public:
    Running(const RunCommand& command, ConnectionName name, Confinement confinement, system::LogLevel level)
        : command_(command), name_(std::move(name)), confinement_(std::move(confinement)),
          log_(level, system::LogTarget::syslog, "vpn-client") {} // stderr is the program's

    Granted<ExitCode> run() {
        static_cast<void>(system::protect_memory());
        system::set_memory_aside();
        auto file = load();
        if (!file) return tl::unexpected(std::move(file.error()));
        const DnsPlan dns = plan_dns_apart(file->config);
        const std::string resolver = resolver_text(dns.servers, dns.search);
        auto preparation = prepare(std::move(*file), {command_.timeout, stop_}, [this] { return confinement_.enter(); });
        if (!preparation) return tl::unexpected(std::move(preparation.error()));
        say_notes(preparation->file.notes);
        say_notes(preparation->plan.warnings);
        say_notes(dns.warnings);
        wall_in_connection(preparation->dns, log_); // the program is another process, and outside
        auto daemon = Daemon::start(std::move(*preparation), HookRunner(), stop_, log_);
        if (!daemon) return tl::unexpected(std::move(daemon.error()));
        if (const auto connected = wait_for_tunnel(**daemon); !connected) return tl::unexpected(connected.error());
        if (stop_.asked()) return refuse(ExitCode::failure, "interrupted: the program was not started");
        if (auto begun = confinement_.begin(resolver); !begun) return refuse(ExitCode::failure, begun.error().message);
        if (!(*daemon)->run_beside(confinement_.fd(), [this](bool disconnected) { hand_on(disconnected); }))
            return refuse(ExitCode::failure, "the tunnel's interface was removed by somebody: the program was ended");
        return static_cast<ExitCode>(confinement_.exit_code());
    }

  private:
    Granted<ConnectionFile> load() {
        auto file = load_connection(name_);
        if (!file) return file;
        file->origin.path = std::filesystem::absolute(name_.path);
        if (ask_for_report(name_.name))
            return refuse(ExitCode::failure,
                          name_.name + " is connected already, and a server answers one of the two: vpn-client disconnect " +
                              name_.name + ", or have the server add another peer for this program");
        say_notes(notes_on_hooks(std::exchange(file->hooks, {}), hooks_do_not_run));
        return file;
    }

    [[nodiscard]] Granted<std::string> wait_for_tunnel(Daemon& daemon) const {
        const system::Progress progress("waiting for the server of " + name_.name);
        return daemon.wait_for_tunnel(command_.timeout);
    }

    void hand_on(bool disconnected) {
        while (const auto request = stop_.take())
            if (!request->from_terminal) confinement_.forward(request->signal);
        if (disconnected) confinement_.end();
    }

    const RunCommand& command_;
    ConnectionName name_;
    Confinement confinement_;
    system::Logger log_;
    StopSignal stop_;
};

} // namespace

ExitCode run_program(const RunCommand& command, system::LogLevel level) {
    auto name = parse_connection_name(command.target);
    if (!name) return complain(name.error());
    const auto user = find_program_user(command.user);
    if (!user) return complain(user.error());
    std::signal(SIGCHLD, SIG_DFL); // whoever called us may have left it ignored, and then nobody learns how a child ended
    auto confinement = Confinement::start(command.program, *user); // before there is a key in memory
    if (!confinement) return complain(confinement.error());
    std::signal(SIGPIPE, SIG_IGN);
    const auto ended = Running(command, std::move(*name), std::move(*confinement), level).run();
    return ended ? *ended : complain(ended.error());
}

} // namespace vpn::client
