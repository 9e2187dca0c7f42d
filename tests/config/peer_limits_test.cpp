// EXPERIENCE, "Files that peers exchange": what a peer's limits look like in text.
#include "common/config/peer_limits.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::config;

TEST_CASE("an instant is read to the second and written as it was read") {
    for (const char* text : {"1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2027-01-01T00:00:00Z", "2261-12-31T12:30:45Z"})
        CHECK(format_instant(parse_instant(text).value()) == text);
    CHECK(parse_instant("2027-01-01T00:00:00Z") == Wall(std::chrono::seconds(1798761600)));
}

TEST_CASE("what is no instant in UTC is none") {
    for (const char* text :
         {"", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01 00:00:00Z", "2027-01-01T00:00:00+01:00", "2027-01-01T00:00:00z",
          "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z", "2027-01-00T00:00:00Z", "2027-01-01T24:00:00Z",
          "2027-01-01T00:60:00Z", "2027-01-01T00:00:60Z", "1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "+027-01-01T00:00:00Z",
          "2027-01-01T00:00:00.5Z", "2027-01-01T00:00: 0Z"})
        CHECK_MESSAGE(!parse_instant(text), text);
}

TEST_CASE("amounts are powers of 1000, or of 1024 where they say so") {
    CHECK(parse_quota("1B") == ByteCount{1});
    CHECK(parse_quota("3kB") == ByteCount{3000});
    CHECK(parse_quota("5MB") == ByteCount{5'000'000});
    CHECK(parse_quota("100GB") == ByteCount{100'000'000'000});
    CHECK(parse_quota("2TB") == ByteCount{2'000'000'000'000});
    CHECK(parse_quota("3KiB") == ByteCount{3072});
    CHECK(parse_quota("5MiB") == ByteCount{5 * 1024 * 1024});
    CHECK(parse_quota("7GiB") == ByteCount{std::uint64_t{7} << 30U});
    CHECK(parse_quota("2TiB") == ByteCount{std::uint64_t{2} << 40U});
}

TEST_CASE("what is no amount is none, and neither is more than fits") {
    for (const char* text : {"", "100", "GB", "0GB", "-1GB", "1.5GB", "100 GB", "100gb", "100Gb", "1e3MB",
                             "99999999999999999999B", "4611687TB", "4194305TiB"})
        CHECK_MESSAGE(!parse_quota(text), text);
}

TEST_CASE("rates are bits a second") {
    CHECK(parse_rate("64kbit") == BitRate{64'000});
    CHECK(parse_rate("50mbit") == BitRate{50'000'000});
    CHECK(parse_rate("1gbit") == BitRate{1'000'000'000});
    CHECK(parse_rate("1000gbit") == BitRate{1'000'000'000'000});
    for (const char* text : {"", "50", "mbit", "0mbit", "999bit", "1001gbit", "50Mbit", "50mbps", "5.5mbit", "-5mbit"})
        CHECK_MESSAGE(!parse_rate(text), text);
}

TEST_CASE("amounts and rates are written in the largest unit that is whole, and read back the same") {
    for (const char* text : {"100GB", "1TB", "1500MB", "3KiB", "1025B", "2TiB"}) CHECK(format_quota(*parse_quota(text)) == text);
    CHECK(format_quota(*parse_quota("1000GB")) == "1TB");
    CHECK(format_quota(*parse_quota("1024KiB")) == "1MiB");
    for (const char* text : {"50mbit", "1gbit", "1500kbit", "1001bit"}) CHECK(format_rate(*parse_rate(text)) == text);
}
