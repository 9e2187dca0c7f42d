#include "common/system/clocks.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <system_error>

namespace vpn::system {
namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

timespec to_timespec(std::chrono::nanoseconds time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    timespec result{};
    result.tv_sec = static_cast<std::time_t>(seconds.count());
    result.tv_nsec = static_cast<long>((time - seconds).count());
    return result;
}

} // namespace

Now now() { return {Boot(read_clock(CLOCK_BOOTTIME)), Wall(read_clock(CLOCK_REALTIME))}; }

BootTimer::BootTimer() : fd_(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)) {
    if (!fd_) throw std::system_error(errno, std::generic_category(), "cannot make a timer");
}

void BootTimer::set(std::optional<Boot> deadline) {
    itimerspec when{};
    // Zero would disarm, and a time before boot is not one.
    if (deadline) when.it_value = to_timespec(std::max(deadline->time_since_epoch(), Boot::duration(1)));
    ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

bool BootTimer::acknowledge() {
    std::uint64_t expiries = 0;
    return ::read(fd_.get(), &expiries, sizeof expiries) == sizeof expiries;
}

} // namespace vpn::system
