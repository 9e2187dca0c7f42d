#include "vpn-client/inside_meter.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

namespace {

constexpr Boot noon{12h};

} // namespace

TEST_CASE("before the first answer nothing is known") {
    const InsideMeter meter;
    CHECK_FALSE(meter.round_trip());
    CHECK_FALSE(meter.loss());
    CHECK_FALSE(meter.undecided(noon));
    CHECK_FALSE(meter.no_return(noon));
}

TEST_CASE("an answer tells the round trip, and later ones move it a little") {
    InsideMeter meter;
    meter.handle_start(noon);
    meter.handle_answer(1, 80ms);
    CHECK(meter.round_trip() == 80ms);
    meter.handle_answer(1, 160ms);
    CHECK(meter.round_trip() == 90ms);
}

TEST_CASE("loss is of questions, of which each answer took one or more") {
    InsideMeter meter;
    for (int i = 0; i < 3; ++i) meter.handle_answer(1, 20ms);
    CHECK(meter.loss() == 0U);
    meter.handle_answer(2, 20ms);
    CHECK(meter.loss() == 20U); // one of five
}

TEST_CASE("what was lost long ago is forgotten") {
    InsideMeter meter;
    meter.handle_answer(9, 20ms);
    CHECK(meter.loss() == 89U);
    for (int i = 0; i < 30; ++i) meter.handle_answer(1, 20ms);
    CHECK(meter.loss() == 0U);
}

TEST_CASE("who does not answer for three seconds has nothing come back; before that it can't be said") {
    InsideMeter meter;
    meter.handle_answer(1, 20ms);
    meter.handle_start(noon);
    CHECK(meter.undecided(noon + 2999ms));
    CHECK_FALSE(meter.no_return(noon + 2999ms));
    CHECK_FALSE(meter.undecided(noon + 3s));
    CHECK(meter.no_return(noon + 3s));
    SUBCASE("until he does") { meter.handle_answer(4, 20ms); }
    SUBCASE("and if nobody wants to know any more, it can't be said either") { meter.handle_stop(); }
    CHECK_FALSE(meter.no_return(noon + 4s));
    CHECK_FALSE(meter.undecided(noon + 4s));
}
