#include "vpn-server/option_text.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {

using samples::holds;

TEST_CASE("lists are separated by commas, and every item must be one") {
    CHECK(parse_prefixes("10.0.0.0/8,fd66::/64").value() == samples::prefixes({"10.0.0.0/8", "fd66::/64"}));
    CHECK(parse_prefixes("10.66.0.7/24").value() == samples::prefixes({"10.66.0.0/24"}));
    CHECK(parse_addresses("9.9.9.9,2620:fe::fe").value() ==
          std::vector{samples::address("9.9.9.9"), samples::address("2620:fe::fe")});
    for (const char* text : {"", ",", "9.9.9.9,", ",9.9.9.9", "9.9.9.9, 1.1.1.1", "dns.example.org", "9.9.9.9/32"})
        CHECK_FALSE(parse_addresses(text));
    for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/8,", "fd66::/129", "10.0.0/8"}) CHECK_FALSE(parse_prefixes(text));
}

TEST_CASE("a network is of its family, has a length and no host") {
    CHECK(parse_network_v4("10.77.0.0/16").value() == samples::prefix("10.77.0.0/16"));
    CHECK(parse_network_v6("fd77::/64").value() == samples::prefix("fd77::/64"));
    for (const char* text : {"fd77::/64", "10.77.0.0", "10.77.0.0/33", "x"}) CHECK_FALSE(parse_network_v4(text));
    for (const char* text : {"10.77.0.0/16", "fd77::", "fd77::/129"}) CHECK_FALSE(parse_network_v6(text));
    CHECK(holds(parse_network_v4("10.77.3.9/16").error().message, "10.77.0.0/16"));
}

TEST_CASE("ports, names, formats and levels") {
    CHECK(parse_port("51820").value() == Port{51820});
    for (const char* text : {"0", "65536", "70000", "-1", "1e3", "", "051820"}) CHECK_FALSE(parse_port(text));
    CHECK(parse_interface_name("wan7").value() == "wan7");
    CHECK_FALSE(parse_interface_name("a/b"));
    CHECK(parse_peer_name("Anna's phone").value() == "Anna's phone");
    CHECK_FALSE(parse_peer_name("a\nb"));
    CHECK(parse_format("wg").value() == FileFormat::wg);
    CHECK_FALSE(parse_format("pdf"));
    CHECK(parse_level("debug").value() == system::LogLevel::debug);
    CHECK_FALSE(parse_level("loud"));
}

TEST_CASE("suites have two names, and no other") {
    CHECK(parse_suite("wireguard").value() == config::Suite::wireguard);
    CHECK(parse_suite("hybrid").value() == config::Suite::hybrid);
    CHECK(holds(parse_suite("Hybrid").error().message, "hybrid or wireguard"));
    CHECK_FALSE(parse_suite("openvpn"));
}

TEST_CASE("a key that is none is never repeated: it may be a secret one") {
    const std::string key = samples::public_key(3).to_string();
    CHECK(parse_public_key(key).value() == samples::public_key(3));
    const auto refused = parse_public_key(key + "A");
    REQUIRE_FALSE(refused);
    CHECK_FALSE(holds(refused.error().message, key.substr(0, 10)));
}

TEST_CASE("a peer's end is so long from now, a day, or an instant") {
    using namespace std::chrono;
    CHECK(std::get<Duration>(*parse_expiry("30d")) == days(30));
    CHECK(std::get<Duration>(*parse_expiry("12h")) == hours(12));
    CHECK(std::get<Duration>(*parse_expiry("5m")) == minutes(5));
    CHECK(std::get<Wall>(*parse_expiry("2027-01-01")) == Wall(seconds(1'798'761'600)));
    CHECK(std::get<Wall>(*parse_expiry("2027-01-01T00:00:01Z")) == Wall(seconds(1'798'761'601)));
    for (const char* text :
         {"", "d", "30", "0d", "-1d", "1.5d", "30 d", "30days", "36501d", "9999999999d", "2027-02-30", "tomorrow", "never"})
        CHECK_MESSAGE(!parse_expiry(text), text);
}

TEST_CASE("the time that an old key goes on is so long, a year at most, or none") {
    using namespace std::chrono;
    CHECK(parse_grace("7d").value() == days(7));
    CHECK(parse_grace("12h").value() == hours(12));
    CHECK(parse_grace("365d").value() == days(365));
    CHECK(parse_grace("none").value() == Duration::zero());
    for (const char* text : {"", "d", "7", "0d", "-1d", "7 d", "366d", "9999999999d", "2027-01-01", "soon"})
        CHECK_MESSAGE(!parse_grace(text), text);
}

TEST_CASE("a limit is taken away by the word none") {
    CHECK_FALSE(parse_or_none("none", parse_quota)->value);
    CHECK(parse_or_none("5MB", parse_quota)->value == ByteCount{5'000'000});
    CHECK(parse_or_none("5mbit", parse_rate)->value == BitRate{5'000'000});
    CHECK_FALSE(parse_or_none("nothing", parse_rate));
    CHECK_FALSE(parse_quota("none"));
}

} // namespace vpn::server
