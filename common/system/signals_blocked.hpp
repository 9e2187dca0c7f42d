// Threads that no signal reaches: signals are for the one who waits. Refuses to know: the threads.
#pragma once

#include <pthread.h>

#include <csignal>

namespace vpn::system {

/// No signal reaches this thread, nor those that it starts, for as long as this lives.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

} // namespace vpn::system
