// Time as a value that is handed in. Nothing pure ever asks for the time.
// Refuses to know: any clock. `system/clocks` reads them; tests make theirs up.
#pragma once

#include <chrono>
#include <cstdint>

namespace vpn {

/// Counts from boot and goes on while the machine sleeps (CLOCK_BOOTTIME): keys age by it.
struct BootClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};

using Duration = std::chrono::nanoseconds;
using Boot = BootClock::time_point;
/// The calendar's time: only handshake timestamps and people read it.
using Wall = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// One instant on both clocks.
struct Now {
    Boot boot;
    Wall wall;
};

} // namespace vpn
