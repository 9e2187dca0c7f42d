#include "vpn-client/stop_signal.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <system_error>

namespace vpn::client {
namespace {

sigset_t signals_that_end() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&set, signal);
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

bool StopSignal::asked() const {
    pollfd watched{fd_.get(), POLLIN, 0};
    return ::poll(&watched, 1, 0) > 0;
}

} // namespace vpn::client
