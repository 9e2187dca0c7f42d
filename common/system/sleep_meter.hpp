// Whether the machine has slept: the boot clock went on meanwhile, the monotonic one did not. Pure.
#pragma once

#include "common/base/time.hpp"

namespace vpn::system {

class SleepMeter {
  public:
    /// How far the boot clock is ahead of the monotonic one.
    explicit SleepMeter(Duration ahead) : ahead_(ahead) {}
    /// How long it slept since the last look. The clocks can't be read at the same instant: less than 100 ms is no sleep.
    Duration look(Duration ahead) {
        const Duration slept = ahead - ahead_;
        ahead_ = ahead;
        return slept < std::chrono::milliseconds(100) ? Duration::zero() : slept;
    }

  private:
    Duration ahead_;
};

} // namespace vpn::system
