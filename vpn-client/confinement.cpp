#include "vpn-client/confinement.hpp"

#include "common/system/os_error.hpp"
#include "vpn-client/confined_process.hpp"

#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

namespace vpn::client {
namespace {

using system::ExitCode;
using system::UniqueFd;

tl::unexpected<Refusal> refuse_errno(int error) {
    if (error == EPERM)
        return refuse(ExitCode::no_permission,
                      "only root (CAP_SYS_ADMIN) can give a program a network of its own: run it with sudo");
    return refuse(ExitCode::failure, "cannot give a program a network of its own: " + system::errno_text(error));
}

} // namespace

Granted<Confinement> Confinement::start(const std::vector<std::string>& program, const ProgramUser& user) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return refuse_errno(errno);
    UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    // A fork into namespaces: unlike unshare(2), it leaves us where we are.
    constexpr long apart = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | SIGCHLD;
    const auto first = static_cast<pid_t>(::syscall(SYS_clone, apart, nullptr, nullptr, nullptr, nullptr));
    if (first < 0) return refuse_errno(errno);
    if (first == 0) {
        ours.reset();
        live_confined(std::move(theirs), program, user);
    }
    UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, first, 0)));
    Confinement confinement(first, std::move(process), std::move(ours));
    if (!confinement.process_) return refuse_errno(errno);
    return confinement;
}

Confinement::Confinement(Confinement&& other) noexcept
    : first_(std::exchange(other.first_, 0)), process_(std::move(other.process_)), door_(std::move(other.door_)) {}

Confinement::~Confinement() {
    if (first_ == 0) return;
    ::kill(first_, SIGKILL);
    exit_code();
}

Result<void> Confinement::enter() const {
    if (::setns(process_.get(), CLONE_NEWNET) != 0)
        return failed("cannot enter the program's network: " + system::errno_text(errno));
    return {};
}

Result<void> Confinement::begin(std::string_view resolver) {
    const std::string text = begin_message(resolver);
    // No longer than a socket's buffer: one call takes it whole.
    const ssize_t sent = ::send(door_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(text.size())) return failed("cannot start the program: " + system::errno_text(errno));
    door_.reset();
    return {};
}

void Confinement::forward(int signal) const { ::kill(first_, signal); }

void Confinement::end() const { ::kill(first_, signal_to_end()); }

int Confinement::exit_code() {
    constexpr int killed = 128 + SIGKILL;
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(first_, &status, 0)) < 0 && errno == EINTR) {
    }
    first_ = 0;
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : killed;
}

} // namespace vpn::client
