// Endpoints: an address and a port, and their text.
#include "common/base/ip.hpp"

#include <doctest/doctest.h>

using namespace vpn;

namespace {

std::string rewritten(std::string_view text) {
    const auto endpoint = Endpoint::parse(text);
    return endpoint ? endpoint->to_string() : "refused";
}

} // namespace

TEST_CASE("an endpoint is an address and a port, IPv6 in brackets") {
    const auto four = Endpoint::parse("192.0.2.1:51820");
    REQUIRE(four);
    CHECK(four->address == IpAddress::parse("192.0.2.1"));
    CHECK(four->port == Port{51820});
    CHECK(four->scope == 0);
    const auto six = Endpoint::parse("[2001:db8::1]:1");
    REQUIRE(six);
    CHECK(six->address == IpAddress::parse("2001:db8::1"));
    CHECK(six->port == Port{1});
}

TEST_CASE("endpoints are written as they are read") {
    for (const std::string_view text : {"192.0.2.1:51820", "0.0.0.0:1", "255.255.255.255:65535", "[::]:53", "[2001:db8::1]:51820",
                                        "[fe80::1%3]:51820", "[fe80::1%4294967295]:1"}) {
        CHECK(rewritten(text) == text);
    }
    CHECK(rewritten("[2001:DB8:0::1]:51820") == "[2001:db8::1]:51820");
}

TEST_CASE("a scope is the number of an interface") {
    const auto endpoint = Endpoint::parse("[fe80::1%3]:51820");
    REQUIRE(endpoint);
    CHECK(endpoint->scope == 3);
    CHECK(*endpoint != *Endpoint::parse("[fe80::1%4]:51820"));
    CHECK(*endpoint != *Endpoint::parse("[fe80::1]:51820"));
    for (const std::string_view text :
         {"[fe80::1%]:1", "[fe80::1%0]:1", "[fe80::1%eth0]:1", "[fe80::1%03]:1", "[fe80::1%4294967296]:1", "[fe80::1%1%2]:1",
          "[%1]:1", "192.0.2.1%1:1", "[192.0.2.1%1]:1"}) {
        CHECK(rewritten(text) == "refused");
    }
}

TEST_CASE("what is no endpoint is refused") {
    for (const std::string_view text : {"",
                                        ":",
                                        ":51820",
                                        "192.0.2.1",
                                        "192.0.2.1:",
                                        "192.0.2.1:0",
                                        "192.0.2.1:65536",
                                        "192.0.2.1:-1",
                                        "192.0.2.1:+1",
                                        "192.0.2.1:051820",
                                        "192.0.2.1:51820 ",
                                        " 192.0.2.1:51820",
                                        "192.0.2.1:51820:1",
                                        "192.0.2:51820",
                                        "vpn.example.org:51820",
                                        "2001:db8::1",
                                        "2001:db8::1:51820",
                                        "[2001:db8::1]",
                                        "[2001:db8::1]:",
                                        "[2001:db8::1]51820",
                                        "[2001:db8::1:51820",
                                        "2001:db8::1]:51820",
                                        "[[2001:db8::1]]:51820",
                                        "[]:51820",
                                        "[192.0.2.1]:51820",
                                        "[::1]]:51820",
                                        "[::1]:51820]:1",
                                        "[::1]:0",
                                        "[::1]:65536"}) {
        CAPTURE(text);
        CHECK(rewritten(text) == "refused");
    }
}

TEST_CASE("endpoints that differ in anything are different") {
    CHECK(Endpoint::parse("192.0.2.1:1") == Endpoint::parse("192.0.2.1:1"));
    CHECK(Endpoint::parse("192.0.2.1:1") != Endpoint::parse("192.0.2.1:2"));
    CHECK(Endpoint::parse("192.0.2.1:1") != Endpoint::parse("192.0.2.2:1"));
    CHECK(Endpoint::parse("0.0.0.0:1") != Endpoint::parse("[::]:1"));
}
