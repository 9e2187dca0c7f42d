// PROTOCOL 3: under load from the moment the queue of handshakes is an eighth full, and for one second more.
#include "common/protocol/load_meter.hpp"

#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace std::chrono_literals;

TEST_CASE("an eighth of the queue is load, less is not") {
    const support::VirtualClock clock;
    for (const std::size_t capacity : {std::size_t{8}, std::size_t{64}, std::size_t{100}, std::size_t{4096}}) {
        for (std::size_t waiting = 0; waiting <= capacity; ++waiting) {
            LoadMeter meter;
            const bool loaded = meter.under_load(waiting, capacity, clock.boot());
            if (loaded != (waiting * 8 >= capacity)) FAIL(waiting, " of ", capacity);
        }
    }
}

TEST_CASE("load holds for a second after the queue was last full") {
    support::VirtualClock clock;
    LoadMeter meter;
    CHECK_FALSE(meter.under_load(0, 4096, clock.boot()));
    CHECK(meter.under_load(512, 4096, clock.boot()));
    clock.advance(500ms);
    CHECK(meter.under_load(512, 4096, clock.boot()));
    clock.advance(1s - 1ns);
    CHECK(meter.under_load(0, 4096, clock.boot()));
    clock.advance(1ns);
    CHECK_FALSE(meter.under_load(0, 4096, clock.boot()));
}

TEST_CASE("no queue is no load") {
    const support::VirtualClock clock;
    LoadMeter meter;
    CHECK_FALSE(meter.under_load(0, 0, clock.boot()));
}
