// A timer of the calendar's clock that asks to be cancelled when that clock jumps (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET):
// the kernel counts waking from a sleep as a jump. It is set for a day that nobody lives to see.
#include "common/system/wake_timer.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <system_error>

namespace vpn::system {
namespace {

constexpr std::time_t never = 253'402'300'799; // the last second of the year 9999

Duration read_clock(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

} // namespace

Duration time_asleep() { return read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC); }

WakeTimer::WakeTimer() : fd_(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)), meter_(time_asleep()) {
    if (!fd_) throw std::system_error(errno, std::generic_category(), "cannot make a timer");
    arm();
}

Duration WakeTimer::acknowledge() {
    std::uint64_t expiries = 0;
    [[maybe_unused]] const auto cancelled = ::read(fd_.get(), &expiries, sizeof expiries); // ECANCELED
    arm();
    return meter_.look(time_asleep());
}

void WakeTimer::arm() {
    itimerspec when{};
    when.it_value.tv_sec = never;
    ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr);
}

} // namespace vpn::system
