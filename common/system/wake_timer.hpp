// Tells when the machine wakes from a sleep: a descriptor that the kernel makes readable on resume. Nothing polls.
// Refuses to know: what is to be done then.
#pragma once

#include "common/system/sleep_meter.hpp"
#include "common/system/unique_fd.hpp"

namespace vpn::system {

/// How long the machine has slept since it was started: what CLOCK_BOOTTIME has and CLOCK_MONOTONIC has not.
Duration time_asleep();

/// Not thread-safe.
class WakeTimer {
  public:
    /// Throws std::system_error if the kernel has no timer left.
    WakeTimer();

    /// Non-blocking; readable after a sleep, and when somebody set the calendar's clock.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// How long it slept since the last time; zero: it did not.
    Duration acknowledge();

  private:
    void arm();

    UniqueFd fd_;
    SleepMeter meter_;
};

} // namespace vpn::system
