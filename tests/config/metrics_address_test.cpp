// Where metrics may be told: to this machine alone.
#include "common/config/metrics_address.hpp"

#include <doctest/doctest.h>

namespace vpn::config {
namespace {

std::string read(std::string_view text) {
    const auto parsed = MetricsAddress::parse(text);
    return parsed ? parsed->to_string() : parsed.error().message;
}

constexpr std::string_view expected = "expected \"127.0.0.1:PORT\", \"[::1]:PORT\" or \"unix:/absolute/path\"";

} // namespace

TEST_CASE("metrics are told at a loopback address with a port, or at a socket") {
    for (const char* text : {"127.0.0.1:9586", "127.1.2.3:1", "[::1]:65535", "unix:/run/vpn/metrics.sock"})
        CHECK(read(text) == text);
    CHECK(MetricsAddress::parse("127.0.0.1:9586") == MetricsAddress{*Endpoint::parse("127.0.0.1:9586")});
    CHECK(MetricsAddress::parse("unix:/m") == MetricsAddress{"/m"});
}

TEST_CASE("an address that others can reach is refused by name, with the reason") {
    for (const std::string text :
         {"0.0.0.0:9586", "[::]:9586", "192.0.2.1:9586", "10.66.0.1:9586", "[fd66::1]:9586", "[fe80::1]:9586",
          "[::ffff:127.0.0.1]:9586", "128.0.0.1:9586", "126.255.255.255:1", "[::2]:1"}) {
        CAPTURE(text);
        CHECK(read(text).ends_with(
            " can be reached from outside, and whoever asks there is told who is connected and how much they "
            "send: " +
            std::string(expected)));
        CHECK(read(text).starts_with('"' + text + '"'));
    }
}

TEST_CASE("what is neither address nor socket is refused") {
    for (const std::string text : {"",
                                   "9586",
                                   ":9586",
                                   "localhost:9586",
                                   "127.0.0.1",
                                   "127.0.0.1:",
                                   "127.0.0.1:0",
                                   "127.0.0.1:x",
                                   "127.0.0.1:65536",
                                   "127.0.0.1:-1",
                                   "127.0.0.1:9586 ",
                                   " 127.0.0.1:9586",
                                   "127.0.0.1:9586/metrics",
                                   "::1:9586",
                                   "[::1]",
                                   "[::1%1]:9586",
                                   "tcp:127.0.0.1:9586",
                                   "http://127.0.0.1:9586",
                                   "Unix:/m",
                                   "127.1:9586",
                                   "true"}) {
        CAPTURE(text);
        CHECK(read(text) == '"' + text + "\" is no address with a port: " + std::string(expected));
    }
}

TEST_CASE("a socket has an absolute path that the kernel takes") {
    for (const std::string text : {"unix:", "unix:m", "unix:./m", "unix:@m", "unix://m"}) {
        CAPTURE(text);
        CHECK(read(text) == (text == "unix://m" ? text : '"' + text + "\" is no absolute path: " + std::string(expected)));
    }
    CHECK(read("unix:/run/vpn/") == "\"unix:/run/vpn/\" names a directory: it must be the socket's own path");
    CHECK(read("unix:/" + std::string(106, 'm')) == "unix:/" + std::string(106, 'm'));
    CHECK(read("unix:/" + std::string(107, 'm')).ends_with(" is too long for a socket: at most 107 bytes"));
    CHECK(read("unix:/a\x1b[31m") == "\"unix:/a\\x1b[31m\" has control characters in it");
    CHECK(read(std::string_view("unix:/a\0b", 9)).ends_with(" has control characters in it"));
}

} // namespace vpn::config
