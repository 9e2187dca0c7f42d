#include "vpn-client/hook_process.hpp"

#include "common/system/child_process.hpp"
#include "common/system/daemonise.hpp"
#include "vpn-client/sealed_hooks.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace vpn::client {
namespace {

/// As root has it who has just logged in; wg-quick speaks C, too.
system::ChildSurroundings surroundings() {
    system::ChildSurroundings plain;
    plain.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root",
                         "LOGNAME=root", "LC_ALL=C"};
    return plain;
}

class HookProcess {
  public:
    explicit HookProcess(system::UniqueFd door) : door_(std::move(door)) {}

    /// Returns when nobody is to be obeyed any more.
    void live() {
        while (const auto order = next_order()) {
            const auto step = hooks_.handle_order(*order);
            if (!step) return;
            if (step->kind == SealedHooks::Step::Kind::leave) system::leave_surroundings();
            if (step->kind == SealedHooks::Step::Kind::run) run(step->moment);
        }
    }

  private:
    /// None once the daemon has gone.
    std::optional<std::string> next_order() {
        std::string datagram(longest_hook_order + 1, '\0'); // longer than any: what is cut off is no message
        ssize_t got = 0;
        do got = ::recv(door_.get(), datagram.data(), datagram.size(), 0);
        while (got < 0 && errno == EINTR);
        if (got <= 0) return std::nullopt; // none is empty
        datagram.resize(static_cast<std::size_t>(got));
        return datagram;
    }

    /// A daemon that has gone hears nothing.
    void tell(const HookNews& news) const {
        const std::string datagram = encode(news);
        static_cast<void>(::send(door_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL));
    }

    void run(HookMoment moment) {
        for (std::uint32_t i = 0; i < hooks_.hooks().size(); ++i) {
            if (hooks_.hooks()[i].moment != moment) continue;
            if (goes_up(moment) && is_called()) break;
            const bool fine = run(i);
            if (goes_up(moment) && !fine) break;
        }
        tell({});
    }

    /// The daemon has said something meanwhile, or is gone: what would follow is not begun.
    [[nodiscard]] bool is_called() const {
        pollfd watched{door_.get(), POLLIN, 0};
        return ::poll(&watched, 1, 0) > 0;
    }

    bool run(std::uint32_t index) {
        const Hook& hook = hooks_.hooks()[index];
        tell({HookNews::Kind::begun, index, {}});
        system::ChildSurroundings around = surroundings();
        if (goes_up(hook.moment)) {
            around.slow_after = slow_hook;
            around.slow = [&] { tell({HookNews::Kind::slow, index, {}}); };
        }
        const auto end = system::run_to_end(
            {"/bin/bash", "-e", "-o", "pipefail", "-O", "extglob", "-c", with_interface(hook.command, hooks_.interface())},
            time_for(hook.moment), goes_up(hook.moment) ? door_.get() : -1, around);
        if (!end)
            tell({HookNews::Kind::not_started, index, end.error().message});
        else if (!end->fine())
            tell({HookNews::Kind::failed, index, end->text()});
        else
            tell({HookNews::Kind::fine, index, {}});
        return end && end->fine();
    }

    system::UniqueFd door_;
    SealedHooks hooks_;
};

/// What somebody at the terminal types, or a service manager sends to all of a service, is for the daemon, who still needs us.
void hear_no_signals() {
    ::setsid();
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    std::signal(SIGCHLD, SIG_DFL); // whoever called us may have left it ignored, and then nobody learns how a hook ended
}

/// All but stderr and the door are the daemon's, or its caller's.
void keep_only(int door) {
    const system::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO}) ::dup2(null.get(), stream);
    ::close_range(STDERR_FILENO + 1, static_cast<unsigned>(door) - 1, 0);
    ::close_range(static_cast<unsigned>(door) + 1, ~0U, 0);
}

} // namespace

void live_for_hooks(system::UniqueFd door) {
    ::prctl(PR_SET_NAME, hook_process_name);
    ::prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
    hear_no_signals();
    keep_only(door.get());
    HookProcess(std::move(door)).live();
    ::_exit(0);
}

} // namespace vpn::client
