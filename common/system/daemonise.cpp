#include "common/system/daemonise.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace vpn::system {
namespace {

sigset_t signals_that_end() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&set, signal);
    return set;
}

void hand_on_signal(int signals, pid_t child) {
    signalfd_siginfo info{};
    if (::read(signals, &info, sizeof info) == sizeof info) ::kill(child, static_cast<int>(info.ssi_signo));
}

/// The code that the child said on detaching, or ended with.
int wait_for(pid_t child, int from_child, int signals) {
    std::array<pollfd, 2> watched{pollfd{from_child, POLLIN, 0}, pollfd{signals, POLLIN, 0}};
    for (;;) {
        if (::poll(watched.data(), watched.size(), -1) < 0) continue;
        if (watched[1].revents != 0) hand_on_signal(signals, child);
        if (watched[0].revents == 0) continue;
        std::uint8_t code = 0;
        if (::read(from_child, &code, sizeof code) == sizeof code) return code;
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        return WIFEXITED(status) ? WEXITSTATUS(status) : to_int(ExitCode::failure);
    }
}

} // namespace

void leave_surroundings() {
    [[maybe_unused]] const int moved = ::chdir("/"); // so that no file system is kept busy
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) return;
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), stream);
}

void BackgroundChild::detach(ExitCode code) {
    if (!to_parent_) return;
    leave_surroundings();
    const auto said = static_cast<std::uint8_t>(code);
    // A parent that was killed hears nothing; MSG_NOSIGNAL since that is no reason to die.
    static_cast<void>(::send(to_parent_.get(), &said, sizeof said, MSG_NOSIGNAL));
    to_parent_.reset();
}

OsResult<std::variant<ParentResult, BackgroundChild>> daemonise() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return os_failed("cannot go to the background", errno);
    UniqueFd from_child(ends[0]);
    UniqueFd to_parent(ends[1]);

    // Blocked before the fork, so that no signal falls between the two.
    const sigset_t ending = signals_that_end();
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &ending, &before);
    const pid_t child = ::fork();
    if (child == 0) {
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        from_child.reset();
        ::setsid();
        return BackgroundChild(std::move(to_parent));
    }
    const int fork_error = errno;
    OsResult<std::variant<ParentResult, BackgroundChild>> result = os_failed("cannot go to the background", fork_error);
    if (child > 0) {
        to_parent.reset();
        const UniqueFd signals(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
        result = ParentResult{wait_for(child, from_child.get(), signals.get())};
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return result;
}

} // namespace vpn::system
