#include "common/config/error.hpp"

#include <doctest/doctest.h>

#include <array>

namespace vpn::config {

TEST_CASE("an error reads FILE:LINE: message") {
    CHECK(ConfigError{"/etc/vpn/a.json", 7, "it is wrong"}.text() == "/etc/vpn/a.json:7: it is wrong");
    CHECK(ConfigError{"/etc/vpn/a.json", 0, "it is wrong"}.text() == "/etc/vpn/a.json: it is wrong");
    CHECK(ConfigError{"a\x1b[31m.json", 1, "x"}.text() == "a\\x1b[31m.json:1: x");
}

TEST_CASE("a quote has no terminal escapes, no invisible characters and a bounded length") {
    CHECK(quote("plain") == "\"plain\"");
    CHECK(quote("\x1b]0;title\x07") == "\"\\x1b]0;title\\x07\"");
    CHECK(quote("a\nb\r\x7f") == "\"a\\x0ab\\x0d\\x7f\"");
    CHECK(quote("\xc2\x9b"
                "2J") == "\"\\xc2\\x9b2J\"");                          // C1: a second way to begin an escape
    CHECK(quote("abc\xe2\x80\xaetxt") == "\"abc\\xe2\\x80\\xaetxt\""); // right-to-left override
    CHECK(quote("\xff\xc3") == "\"\\xff\\xc3\"");                      // not UTF-8
    CHECK(quote("łódź") == "\"łódź\"");
    CHECK(quote(std::string(1000, 'x')) == '"' + std::string(64, 'x') + "...\"");
    CHECK(quote("ééééé", 5) == "\"éé...\""); // never half a character
}

TEST_CASE("a quote never repeats what has the shape of a key") {
    const std::string key = "AKcgyF+gXyubNEBM8vwVu4CxzoWLH9uCB7c+oybrXlk=";
    CHECK(quote(key) == "(something that looks like a key)");
    CHECK(quote("x: " + key) == "(something that looks like a key)");
    CHECK(quote(key.substr(0, 43)) == "(something that looks like a key)");
    CHECK(quote(key.substr(1)) == "(something that looks like a key)");
    CHECK(quote("vpn.example.org:51820") == "\"vpn.example.org:51820\"");
}

TEST_CASE("a slip of the hand is answered with the word that was meant") {
    constexpr std::array<std::string_view, 5> known{"private_key", "allowed_ips", "dns", "mtu", "endpoint"};
    CHECK(suggestion("alowed_ips", known) == ", did you mean \"allowed_ips\"?");
    CHECK(suggestion("AllowedIPs", known) == ", did you mean \"allowed_ips\"?");
    CHECK(suggestion("PrivateKey", known) == ", did you mean \"private_key\"?");
    CHECK(suggestion("dsn", known) == ", did you mean \"dns\"?");
    CHECK(suggestion("endpoints", known) == ", did you mean \"endpoint\"?");
    CHECK(suggestion("colour", known).empty());
    CHECK(suggestion("", known).empty());
    CHECK(suggestion(std::string(1'000'000, 'a'), known).empty());
}

} // namespace vpn::config
