#include "vpn-client/hook_runner.hpp"

#include "common/system/os_error.hpp"
#include "vpn-client/hook_process.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace vpn::client {
namespace {

using system::ExitCode;
using system::UniqueFd;

constexpr int time_to_end = 5000; // milliseconds

tl::unexpected<Refusal> refuse_errno(int error) {
    return refuse(ExitCode::failure, "cannot start the process that runs hooks: " + system::errno_text(error));
}

} // namespace

Granted<HookRunner> HookRunner::start() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return refuse_errno(errno);
    UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    const pid_t process = ::fork();
    if (process < 0) return refuse_errno(errno);
    if (process == 0) {
        ours.reset();
        live_for_hooks(std::move(theirs));
    }
    HookRunner runner(process, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))), std::move(ours));
    if (!runner.handle_) return refuse_errno(errno);
    return runner;
}

HookRunner::HookRunner(HookRunner&& other) noexcept
    : process_(std::exchange(other.process_, 0)), handle_(std::move(other.handle_)), door_(std::move(other.door_)),
      hooks_(std::move(other.hooks_)) {}

HookRunner& HookRunner::operator=(HookRunner&& other) noexcept {
    if (this != &other) {
        end_process();
        process_ = std::exchange(other.process_, 0);
        handle_ = std::move(other.handle_);
        door_ = std::move(other.door_);
        hooks_ = std::move(other.hooks_);
    }
    return *this;
}

void HookRunner::end_process() {
    door_.reset(); // that is what it ends by
    if (process_ == 0) return;
    pollfd ended{handle_.get(), POLLIN, 0};
    if (!handle_ || ::poll(&ended, 1, time_to_end) <= 0) kill_process();
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = 0;
    handle_.reset();
}

void HookRunner::give_up() {
    if (process_ != 0) kill_process();
    end_process();
}

/// By its handle: its number may be another's once somebody has buried it.
void HookRunner::kill_process() const {
    if (handle_) ::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0U);
}

Granted<void> HookRunner::seal(std::vector<Hook> hooks, const std::string& interface) {
    if (hooks.empty()) {
        end_process();
        return {};
    }
    for (const Hook& hook : hooks) {
        if (hook.command.size() > longest_hook)
            return refuse(ExitCode::failure,
                          name_of(hook) + " is longer than a command can be: put it into a file, and run that");
        if (!say({HookOrder::Kind::add, hook, {}, {}})) return refuse_errno(errno);
    }
    if (!say({HookOrder::Kind::seal, {}, interface, {}})) return refuse_errno(errno);
    hooks_ = std::move(hooks);
    return {};
}

bool HookRunner::run(HookMoment moment) { return say({HookOrder::Kind::run, {}, {}, moment}); }

void HookRunner::end() { say({HookOrder::Kind::end, {}, {}, {}}); }

void HookRunner::leave() { say({HookOrder::Kind::leave, {}, {}, {}}); }

bool HookRunner::say(const HookOrder& order) {
    if (!door_) return false;
    const std::string datagram = encode(order);
    ssize_t sent = 0;
    do sent = ::send(door_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent == static_cast<ssize_t>(datagram.size())) return true;
    const int error = errno;
    door_.reset();
    errno = error;
    return false;
}

std::optional<HookNews> HookRunner::next_news() {
    if (!door_) return std::nullopt;
    std::string datagram(longest_hook_news, '\0');
    ssize_t got = 0;
    do got = ::recv(door_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return std::nullopt;
    if (got > 0) {
        datagram.resize(static_cast<std::size_t>(got));
        auto news = decode_hook_news(datagram);
        if (news && news->hook < std::max<std::size_t>(hooks_.size(), 1)) return news;
    }
    door_.reset();
    return std::nullopt;
}

} // namespace vpn::client
