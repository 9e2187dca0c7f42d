// THREATS, "suspend of any length". A test can't put its machine to sleep: what the clocks would say is made up.
#include "common/system/wake_timer.hpp"

#include <doctest/doctest.h>
#include <poll.h>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;

TEST_CASE("what the boot clock has and the monotonic one has not was slept, and is told once") {
    SleepMeter meter(8h);
    CHECK(meter.look(8h) == 0s);
    CHECK(meter.look(8h + 200ms) == 200ms);
    CHECK(meter.look(8h + 200ms) == 0s);
    CHECK(meter.look(30h) == 22h - 200ms);
}

TEST_CASE("clocks that are read one after the other differ a little, and nobody slept") {
    SleepMeter meter(8h);
    CHECK(meter.look(8h + 20us) == 0s);
    CHECK(meter.look(8h - 20us) == 0s);
    CHECK(meter.look(8h + 99ms) == 0s);
}

TEST_CASE("on a machine that is awake the timer has nothing to tell") {
    WakeTimer timer;
    pollfd watched{timer.fd(), POLLIN, 0};
    CHECK(::poll(&watched, 1, 0) == 0);
    CHECK(timer.acknowledge() == 0s);
    CHECK(::poll(&watched, 1, 0) == 0);
    CHECK(time_asleep() >= -1s); // how long it slept, if ever
}
