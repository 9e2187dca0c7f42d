#include "vpn-client/rate_meter.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

namespace {

constexpr Boot noon{12h};

} // namespace

TEST_CASE("a rate is what passed between two looks, and the first has none") {
    RateMeter meter;
    meter.handle_totals(ByteCount{5000}, ByteCount{100}, noon);
    CHECK(meter.current() == Rate{});
    meter.handle_totals(ByteCount{9000}, ByteCount{300}, noon + 2s);
    CHECK(meter.current() == Rate{2000, 100});
}

TEST_CASE("the peak of each way stays when the rate has gone down") {
    RateMeter meter;
    meter.handle_totals(ByteCount{0}, ByteCount{0}, noon);
    meter.handle_totals(ByteCount{9000}, ByteCount{10}, noon + 1s);
    meter.handle_totals(ByteCount{9000}, ByteCount{700}, noon + 2s);
    meter.handle_totals(ByteCount{9000}, ByteCount{700}, noon + 3s);
    CHECK(meter.current() == Rate{});
    CHECK(meter.peak() == Rate{9000, 690});
}

TEST_CASE("looks close together count as one: a single packet is no peak") {
    RateMeter meter;
    meter.handle_totals(ByteCount{0}, ByteCount{0}, noon);
    meter.handle_totals(ByteCount{1500}, ByteCount{0}, noon + 1ms);
    CHECK(meter.peak() == Rate{});
    meter.handle_totals(ByteCount{1500}, ByteCount{0}, noon + 1s);
    CHECK(meter.peak() == Rate{1500, 0});
}

TEST_CASE("a counter that began anew is no rate") {
    RateMeter meter;
    meter.handle_totals(ByteCount{5000}, ByteCount{0}, noon);
    meter.handle_totals(ByteCount{10}, ByteCount{0}, noon + 1s);
    CHECK(meter.current() == Rate{});
    CHECK(meter.peak() == Rate{});
}
