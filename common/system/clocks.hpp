// The only place that asks for the time, and a timer on the clock that goes on while the machine sleeps.
// Refuses to know: what the time is for.
#pragma once

#include "common/base/time.hpp"
#include "common/system/unique_fd.hpp"

#include <optional>

namespace vpn::system {

/// CLOCK_BOOTTIME and CLOCK_REALTIME, read together. Thread-safe.
Now now();

/// One deadline on CLOCK_BOOTTIME, as a descriptor that becomes readable when it has passed; after a suspend that ran over it, at
/// once. Not thread-safe.
class BootTimer {
  public:
    /// Throws std::system_error if the kernel has no timer left.
    BootTimer();

    /// Replaces the deadline; nullopt disarms. A deadline that has passed fires at once.
    void set(std::optional<Boot> deadline);
    /// Non-blocking; readable once the deadline has passed.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Takes the expiry off the descriptor. False if there was none.
    bool acknowledge();

  private:
    UniqueFd fd_;
};

} // namespace vpn::system
