#include "common/system/child_process.hpp"

#include "common/system/unique_fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace vpn::system {
namespace {

constexpr Duration time_to_end = std::chrono::seconds(2);

/// As posix_spawn wants them, which changes none.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

/// How a child starts: its streams and environment, and signals as the system has them; the C library wants both halves freed.
class Start {
  public:
    explicit Start(const ChildSurroundings& surroundings) : environment_(surroundings.environment) {
        ::posix_spawn_file_actions_init(&actions_);
        if (surroundings.input < 0)
            ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        else
            ::posix_spawn_file_actions_adddup2(&actions_, surroundings.input, STDIN_FILENO);
        const int output = surroundings.output < 0 ? STDERR_FILENO : surroundings.output;
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1); // also what we were started with
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigemptyset(&none);
        sigset_t all;
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~Start() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Start(const Start&) = delete;
    Start& operator=(const Start&) = delete;

    OsResult<pid_t> run(const std::vector<std::string>& words) const {
        const std::vector<char*> arguments = pointers_to(words);
        const std::vector<char*> environment = pointers_to(environment_);
        pid_t child = 0;
        const int error =
            ::posix_spawn(&child, words.front().c_str(), &actions_, &attributes_, arguments.data(), environment.data());
        if (error != 0) return os_failed("cannot run " + words.front(), error);
        return child;
    }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
    const std::vector<std::string>& environment_;
};

int in_milliseconds(std::optional<Duration> limit) {
    return limit ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*limit).count()) : -1;
}

enum class Woken : std::uint8_t { by_its_end, by_time, by_interrupt };

Woken wait_for(int process, std::optional<Duration> limit, int interrupt) {
    std::array<pollfd, 2> watched{pollfd{process, POLLIN, 0}, pollfd{interrupt, POLLIN, 0}};
    int ready = 0;
    do ready = ::poll(watched.data(), watched.size(), in_milliseconds(limit));
    while (ready < 0 && errno == EINTR);
    if (watched[0].revents != 0) return Woken::by_its_end;
    return ready > 0 ? Woken::by_interrupt : Woken::by_time;
}

Woken wait_patiently(int process, std::optional<Duration> limit, int interrupt, const ChildSurroundings& surroundings) {
    const Duration first = surroundings.slow_after;
    if (!surroundings.slow || (limit && *limit <= first)) return wait_for(process, limit, interrupt);
    if (const Woken woken = wait_for(process, first, interrupt); woken != Woken::by_time) return woken;
    surroundings.slow();
    return wait_for(process, limit ? std::optional(*limit - first) : std::nullopt, interrupt);
}

} // namespace

std::string ChildEnd::text() const {
    switch (kind) {
    case Kind::exited: return "exit " + std::to_string(code);
    case Kind::killed: return "signal " + std::to_string(code);
    case Kind::too_slow: return "too slow";
    case Kind::interrupted: break;
    }
    return "interrupted";
}

OsResult<ChildEnd> run_to_end(const std::vector<std::string>& words, std::optional<Duration> limit, int interrupt,
                              const ChildSurroundings& surroundings) {
    const auto child = Start(surroundings).run(words);
    if (!child) return tl::unexpected(child.error());
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, *child, 0)));
    const Woken woken = process ? wait_patiently(process.get(), limit, interrupt, surroundings) : Woken::by_time;
    if (woken != Woken::by_its_end) {
        ::kill(-*child, SIGTERM);
        static_cast<void>(process && wait_for(process.get(), time_to_end, -1) == Woken::by_its_end);
        ::kill(-*child, SIGKILL);
    }
    int status = 0;
    while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
    }
    if (woken == Woken::by_time) return ChildEnd{ChildEnd::Kind::too_slow, 0};
    if (woken == Woken::by_interrupt) return ChildEnd{ChildEnd::Kind::interrupted, 0};
    if (WIFSIGNALED(status)) return ChildEnd{ChildEnd::Kind::killed, WTERMSIG(status)};
    return ChildEnd{ChildEnd::Kind::exited, WEXITSTATUS(status)};
}

} // namespace vpn::system
