#include "vpn-client/duration_text.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

TEST_CASE("a duration is a whole number and its unit") {
    CHECK(parse_duration("15s").value() == 15s);
    CHECK(parse_duration("500ms").value() == 500ms);
    CHECK(parse_duration("2m").value() == 2min);
    CHECK(parse_duration("1h").value() == 1h);
    CHECK(parse_duration("7d").value() == 7 * 24h);
    CHECK(parse_duration("0s").value() == 0s);
    CHECK(parse_duration("365d").value() == 365 * 24h);
}

TEST_CASE("zero needs no unit") { CHECK(parse_duration("0").value() == 0s); }

TEST_CASE("what is no duration is refused with what would be one") {
    for (const char* text :
         {"", "15", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1w", "s1", "1s1", "99999999999s", "0x1s"}) {
        CAPTURE(text);
        const auto parsed = parse_duration(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().message.find("15s") != std::string::npos);
    }
}

TEST_CASE("more than a year is refused, and nothing overflows") {
    CHECK_FALSE(parse_duration("366d"));
    CHECK_FALSE(parse_duration("4294967295d"));
    CHECK_FALSE(parse_duration("4294967295h"));
}
