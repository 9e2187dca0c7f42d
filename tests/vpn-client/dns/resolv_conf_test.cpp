#include "vpn-client/dns/resolv_conf.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;

namespace {

using Texts = std::vector<std::string>;
using Servers = std::vector<ResolvConf::Server>;

DnsPlan full() { return {{address("10.66.0.53")}, {"corp.example"}, {}, true, true, {}}; }
DnsPlan split() { return {{address("10.66.0.53")}, {"corp.example"}, {"lab.example"}, false, false, {}}; }

/// Without the comment on top.
std::string lines_for(const DnsPlan& plan, std::string_view before) {
    const std::string text = format_resolv_conf(plan, "laptop", parse_resolv_conf(before));
    REQUIRE(text.starts_with("# Written by vpn-client for laptop."));
    return text.substr(text.find('\n') + 1);
}

} // namespace

TEST_CASE("a resolv.conf is read as the C library reads it") {
    const ResolvConf conf = parse_resolv_conf("# comment\n; another\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 trailing\n"
                                              "nameserver nonsense\ndomain old.example\nsearch a.example\tb.example\n"
                                              "options edns0\nsortlist 10.0.0.0\nwhatever\nnameserver 192.0.2.2");
    CHECK(conf.servers == Servers{{address("192.0.2.1"), ""}, {address("2001:db8::1"), ""}, {address("192.0.2.2"), ""}});
    CHECK(parse_resolv_conf("nameserver fe80::1%eth0\nnameserver fe80::2%\nnameserver %eth0\nnameserver fe80::3%3").servers ==
          Servers{{address("fe80::1"), "eth0"}, {address("fe80::2"), ""}, {address("fe80::3"), "3"}});
    CHECK(conf.search == Texts{"a.example", "b.example"});
    CHECK(conf.settings == Texts{"options edns0", "sortlist 10.0.0.0"});
    CHECK(parse_resolv_conf("").servers.empty());
    CHECK(parse_resolv_conf("nameserver").servers.empty());
}

TEST_CASE("through a full tunnel nobody else is asked") {
    CHECK(lines_for(full(), "nameserver 192.0.2.1\nsearch home.example\n") == "nameserver 10.66.0.53\nsearch corp.example\n");
}

TEST_CASE("how the machine asks stays as it was") {
    CHECK(lines_for(full(), "options ndots:2 timeout:1\nnameserver 192.0.2.1\n") ==
          "nameserver 10.66.0.53\nsearch corp.example\noptions ndots:2 timeout:1\n");
}

TEST_CASE("beside a split tunnel the others come behind ours, each once") {
    CHECK(lines_for(split(), "nameserver 192.0.2.1\nnameserver 10.66.0.53\nsearch home.example corp.example\n") ==
          "nameserver 10.66.0.53\nnameserver 192.0.2.1\nsearch corp.example home.example\n");
}

TEST_CASE("no more servers are listed than are read") {
    CHECK(lines_for(split(), "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n") ==
          "nameserver 10.66.0.53\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch corp.example\n");
}

TEST_CASE("systemd-resolved is behind the file if all its servers are") {
    CHECK(asks_resolved(parse_resolv_conf("nameserver 127.0.0.53\noptions edns0 trust-ad\n")));
    CHECK_FALSE(asks_resolved(parse_resolv_conf("nameserver 127.0.0.53\nnameserver 192.0.2.1\n")));
    CHECK_FALSE(asks_resolved(parse_resolv_conf("nameserver 127.0.0.1\n")));
    CHECK_FALSE(asks_resolved({}));
}

TEST_CASE("beside a split tunnel link-local name servers are kept as they were written") {
    CHECK(lines_for(split(), "nameserver fe80::1%eth0\nnameserver fe80::1%wlan0\n") ==
          "nameserver 10.66.0.53\nnameserver fe80::1%eth0\nnameserver fe80::1%wlan0\nsearch corp.example\n");
}
