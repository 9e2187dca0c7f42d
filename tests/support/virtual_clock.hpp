// Both clocks of a machine, made up: they stand still until a test moves them.
#pragma once

#include "common/base/time.hpp"

namespace vpn::support {

class VirtualClock {
  public:
    /// Some machine that has been up for an hour, on 2026-03-01 12:00 UTC.
    VirtualClock() = default;

    [[nodiscard]] Now now() const { return now_; }
    [[nodiscard]] Boot boot() const { return now_.boot; }

    void advance(Duration by) {
        now_.boot += by;
        now_.wall += by;
    }
    /// Not before the boot time that it shows already.
    void advance_to(Boot boot) {
        if (boot > now_.boot) advance(boot - now_.boot);
    }
    /// Somebody sets the calendar; uptime doesn't care.
    void shift_wall(Duration by) { now_.wall += by; }

  private:
    Now now_{Boot(std::chrono::hours(1)), Wall(std::chrono::seconds(1'772'366'400))};
};

} // namespace vpn::support
