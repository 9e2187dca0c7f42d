#include "vpn-client/stop_signal.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <system_error>

namespace vpn::client {
namespace {

/// nohup(1) asks for SIGHUP to be passed over; to a descriptor it would come all the same.
bool is_ignored(int signal) {
    struct sigaction action {};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t signals_that_end() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGQUIT}) sigaddset(&set, signal);
    if (!is_ignored(SIGHUP)) sigaddset(&set, SIGHUP);
    return set;
}

} // namespace

StopSignal::StopSignal() {
    const sigset_t set = signals_that_end();
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_) throw std::system_error(errno, std::generic_category(), "cannot wait for signals");
}

StopSignal::~StopSignal() {
    // A signal that was heeded must not end the process once more, now that everything is put back.
    signalfd_siginfo heeded{};
    while (::read(fd_.get(), &heeded, sizeof heeded) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<StopSignal::Request> StopSignal::take() {
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
    return Request{static_cast<int>(info.ssi_signo), info.ssi_code > 0};
}

bool StopSignal::asked() const {
    pollfd watched{fd_.get(), POLLIN, 0};
    return ::poll(&watched, 1, 0) > 0;
}

} // namespace vpn::client
