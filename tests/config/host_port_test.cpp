#include "common/config/host_port.hpp"

#include "common/config/error.hpp"

#include <doctest/doctest.h>

namespace vpn::config {
namespace {

std::string read(std::string_view text, std::optional<Port> fallback = std::nullopt) {
    const auto parsed = HostPort::parse(text, fallback);
    return parsed ? parsed->to_string() : parsed.error().message;
}

} // namespace

TEST_CASE("an endpoint is a host name or an address, and a port") {
    CHECK(read("vpn.example.org:51820") == "vpn.example.org:51820");
    CHECK(read("localhost:1") == "localhost:1");
    CHECK(read("my_host:65535") == "my_host:65535");
    CHECK(read("example.org.:53") == "example.org.:53");
    CHECK(read("198.51.100.7:51820") == "198.51.100.7:51820");
    CHECK(read("[2001:DB8:0::1]:51820") == "[2001:db8::1]:51820");
    CHECK(read("[fe80::1%3]:51820") == "[fe80::1%3]:51820");
    CHECK(HostPort::parse("[2001:db8::1]:5")->host == "2001:db8::1");
    CHECK(HostPort::parse("[2001:db8::1]:5")->literal()->address == *IpAddress::parse("2001:db8::1"));
    CHECK(HostPort::parse("1.2.3.4:5")->literal()->port == Port{5});
    CHECK(!HostPort::parse("example.org:5")->literal());
}

TEST_CASE("a default stands in for a missing port") {
    const Port fallback{51820};
    CHECK(read("vpn.example.org", fallback) == "vpn.example.org:51820");
    CHECK(read("vpn.example.org:1", fallback) == "vpn.example.org:1");
    CHECK(read("198.51.100.7", fallback) == "198.51.100.7:51820");
    CHECK(read("2001:db8::1", fallback) == "[2001:db8::1]:51820");
    CHECK(read("[2001:db8::1]", fallback) == "[2001:db8::1]:51820");
    CHECK(read("[2001:db8::1]:7", fallback) == "[2001:db8::1]:7");
}

TEST_CASE("an endpoint that is none is refused with the reason") {
    const std::string shape = "expected HOST:PORT or [IPv6]:PORT, found ";
    CHECK(read("example.org") == shape + "\"example.org\": the port is missing");
    CHECK(read("[2001:db8::1]") == shape + "\"[2001:db8::1]\": the port is missing");
    CHECK(read("2001:db8::1:51820") == shape + "\"2001:db8::1:51820\": an IPv6 address needs brackets before its port");
    CHECK(read("") == shape + "\"\": that is neither an address nor a host name");
    CHECK(read(":51820") == shape + "\":51820\": that is neither an address nor a host name");
    CHECK(read("a b:1") == shape + "\"a b:1\": that is neither an address nor a host name");
    CHECK(read("-a:1") == shape + "\"-a:1\": that is neither an address nor a host name");
    CHECK(read("a..b:1") == shape + "\"a..b:1\": that is neither an address nor a host name");
    CHECK(read("300.1.1.1:1") == shape + "\"300.1.1.1:1\": that is neither an address nor a host name");
    CHECK(read("1.2.3:1") == shape + "\"1.2.3:1\": that is neither an address nor a host name");
    CHECK(read("münchen.example:1") == shape + "\"münchen.example:1\": that is neither an address nor a host name");
    CHECK(read("[1.2.3.4]:1") == shape + "\"[1.2.3.4]:1\": that is no IPv6 address");
    CHECK(read("[::1:1") == shape + "\"[::1:1\": the closing bracket is missing");
    CHECK(read("[::1]x:1") == shape + "\"[::1]x:1\": only a port may follow the bracket");
    for (const char* port : {"0", "65536", "-1", "+1", "01", "", " 1", "1 ", "http", "99999999999999999999"}) {
        const std::string text = std::string("example.org:") + port;
        CHECK(read(text) == shape + quote(text) + ": a port is a number from 1 to 65535");
    }
    CHECK(read("\x1b[31m:1").find('\x1b') == std::string::npos);
    CHECK(read("a.b:c", Port{1}).starts_with("expected HOST, HOST:PORT or [IPv6]:PORT, found"));
}

TEST_CASE("a host name has labels of 63 characters and 253 in all") {
    const std::string label(63, 'a');
    CHECK(is_host_name(label));
    CHECK(!is_host_name(label + 'a'));
    const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
    REQUIRE(longest.size() == 253);
    CHECK(is_host_name(longest));
    CHECK(is_host_name(longest + '.'));
    CHECK(!is_host_name(longest + 'a'));
    CHECK(!is_host_name("."));
    CHECK(!is_host_name("a.."));
    CHECK(!is_host_name("127.1"));
    CHECK(is_host_name("1.example"));
    CHECK(!is_host_name("exa mple"));
    CHECK(!is_host_name(std::string_view("a\0b", 3)));
}

} // namespace vpn::config
