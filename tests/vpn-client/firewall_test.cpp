#include "vpn-client/firewall.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;

TEST_CASE("packets to the tunnel's own addresses are dropped unless they come from the tunnel or this machine") {
    const std::string text = firewall_commands({"laptop", {address("10.66.0.2"), address("fd66::2")}, {}});
    const auto accepted = text.find("iifname { \"lo\", \"laptop\" } accept");
    const auto dropped_v4 = text.find("ip daddr { 10.66.0.2 } drop");
    const auto dropped_v6 = text.find("ip6 daddr { fd66::2 } drop");
    REQUIRE(accepted != std::string::npos);
    REQUIRE(dropped_v4 != std::string::npos);
    REQUIRE(dropped_v6 != std::string::npos);
    CHECK(accepted < dropped_v4);
    CHECK(text.find("prerouting priority raw") < accepted);
}

TEST_CASE("what comes to the outer socket gets its mark only where rules look at marks") {
    CHECK(firewall_commands({"laptop", {}, {}}).find("mark") == std::string::npos);
    const std::string text = firewall_commands({"laptop", {}, Port{40000}});
    CHECK(text.find("iifname != \"laptop\"") != std::string::npos);
    CHECK(text.find("udp dport 40000 meta mark set 7762030") != std::string::npos); // 0x76706e
}

TEST_CASE("the table is made anew in the same transaction, whatever a crash left") {
    const std::string text = firewall_commands({"laptop", {}, {}});
    CHECK(text.starts_with(
        "add table inet vpn-client-laptop\ndelete table inet vpn-client-laptop\ntable inet vpn-client-laptop {"));
}

TEST_CASE("TCP is told both ways of segments that fit, by either family's headers") {
    const std::string text = firewall_commands({"laptop", {}, {}, 1400});
    for (const char* way : {"iifname", "oifname"}) {
        const std::string start = std::string(way) + " \"laptop\" meta nfproto ";
        const std::string syn = " tcp flags & (syn | rst) == syn tcp option maxseg size set ";
        CHECK(text.find(start + "ipv4" + syn + "1360\n") != std::string::npos);
        CHECK(text.find(start + "ipv6" + syn + "1340\n") != std::string::npos);
    }
}

TEST_CASE("another size replaces the rules of the table that stands") {
    const std::string text = segment_commands("laptop", 1200);
    CHECK(
        text.starts_with("flush chain inet vpn-client-laptop segments_in\nadd rule inet vpn-client-laptop segments_in iifname"));
    CHECK(text.find("flush chain inet vpn-client-laptop segments_out\n") != std::string::npos);
    CHECK(text.find("size set 1160\n") != std::string::npos);
    CHECK(text.find("size set 1140\n") != std::string::npos);
}

TEST_CASE("every interface's name makes a table's name that nft can read, and no two the same") {
    CHECK(firewall_table_name("laptop") == "vpn-client-laptop");
    CHECK(firewall_table_name("a=b") == "vpn-client-a/3db");
    CHECK(firewall_table_name("a+b") == "vpn-client-a/2bb");
    CHECK(firewall_table_name("a.b_c-1") == "vpn-client-a.b_c-1");
}
