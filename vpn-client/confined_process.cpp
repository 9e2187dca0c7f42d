#include "vpn-client/confined_process.hpp"

#include "common/system/os_error.hpp"
#include "vpn-client/resolver_place.hpp"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>
#include <optional>

namespace vpn::client {
namespace {

constexpr int not_runnable = 126;
constexpr int not_found = 127;
constexpr int signal_base = 128;
constexpr unsigned seconds_to_end = 5;
constexpr char begin = 'b';

[[noreturn]] void give_up(const std::string& message, int code) {
    std::cerr << "vpn-client: " << message << '\n' << std::flush;
    ::_exit(code);
}

/// None if whoever started us has gone, or thought better of it.
std::optional<std::string> wait_at(const system::UniqueFd& door) {
    std::string message;
    std::array<char, 4096> piece{};
    for (;;) {
        const ssize_t got = ::read(door.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        message.append(piece.data(), static_cast<std::size_t>(got));
    }
    if (message.empty() || message.front() != begin) return std::nullopt;
    return message.substr(1);
}

Result<void> see_own_processes() {
    // What the machine mounts later is still seen in here, and nothing that is mounted in here is seen outside.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0 ||
        ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
        return failed("cannot give the program a view of its own: " + system::errno_text(errno));
    return {};
}

[[noreturn]] void become_program(const std::vector<std::string>& program, const ProgramUser& user, const sigset_t& mask) {
    if (auto became = become(user); !became) give_up(became.error().message, not_runnable);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    std::vector<char*> words;
    words.reserve(program.size() + 1);
    for (const std::string& word : program) words.push_back(const_cast<char*>(word.c_str())); // execvp changes none
    words.push_back(nullptr);
    ::execvp(words.front(), words.data());
    give_up("cannot run " + program.front() + ": " + system::errno_text(errno), errno == ENOENT ? not_found : not_runnable);
}

/// A terminal sends its signals to the program itself, too.
bool comes_from_terminal(const siginfo_t& signal) { return signal.si_code > 0; }

bool is_handed_on(int signal) {
    for (const int one : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2})
        if (signal == one) return true;
    return false;
}

/// Ends with the program, and all that it left behind with us.
[[noreturn]] void watch_over(pid_t program, const sigset_t& signals) {
    for (;;) {
        siginfo_t signal{};
        if (::sigwaitinfo(&signals, &signal) < 0) continue;
        if (signal.si_signo == signal_to_end()) {
            ::kill(program, SIGTERM);
            ::alarm(seconds_to_end);
        }
        if (signal.si_signo == SIGALRM) ::_exit(signal_base + SIGKILL);
        if (is_handed_on(signal.si_signo) && !comes_from_terminal(signal)) ::kill(program, signal.si_signo);
        int status = 0;
        for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;)
            if (ended == program) ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status));
    }
}

} // namespace

std::string begin_message(std::string_view resolver) { return begin + std::string(resolver); }

int signal_to_end() { return SIGRTMIN + 1; }

void live_confined(system::UniqueFd door, const std::vector<std::string>& program, const ProgramUser& user) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t all;
    sigfillset(&all);
    sigset_t before;
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const auto resolver = wait_at(door);
    if (!resolver) ::_exit(0);
    if (auto seen = see_own_processes(); !seen) give_up(seen.error().message, 1);
    if (auto placed = place_resolver(*resolver); !placed) give_up(placed.error().message, 1);
    const pid_t child = ::fork();
    if (child < 0) give_up("cannot start the program: " + system::errno_text(errno), 1);
    if (child == 0) become_program(program, user, before);
    watch_over(child, all);
}

} // namespace vpn::client
