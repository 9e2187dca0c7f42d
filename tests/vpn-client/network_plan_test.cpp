#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace vpn;
using namespace vpn::client;

namespace {

constexpr std::uint32_t main_table = 254;

const system::Route* route_to(const NetworkPlan& plan, std::string_view text) {
    const auto found = std::ranges::find(plan.routes, prefix(text), &system::Route::destination);
    return found == plan.routes.end() ? nullptr : &*found;
}

std::vector<system::Rule> rules_of_family(const NetworkPlan& plan, Family family) {
    std::vector<system::Rule> rules;
    std::ranges::copy_if(plan.rules, std::back_inserter(rules), [family](const auto& rule) { return rule.family == family; });
    return rules;
}

} // namespace

TEST_CASE("a split tunnel is routes in the main table, without rules, marks or sysctls") {
    const NetworkPlan plan = plan_network(connection_taking({"10.66.0.0/24", "192.0.2.0/24", "fd66::/64"}), facts());
    REQUIRE(plan.routes.size() == 3);
    for (const system::Route& route : plan.routes) {
        CHECK(route.table == main_table);
        CHECK(route.interface == 7);
        CHECK_FALSE(route.gateway);
    }
    CHECK(plan.rules.empty());
    CHECK_FALSE(plan.needs_valid_mark);
    CHECK(plan.firewall_commands.find("mark set") == std::string::npos);
}

TEST_CASE("a full tunnel never touches the main table") {
    const NetworkPlan plan = plan_network(connection_taking({"0.0.0.0/0", "::/0"}), facts());
    REQUIRE(plan.routes.size() == 2);
    CHECK(plan.routes[0].table != main_table);
    CHECK(plan.routes[1].table == plan.routes[0].table);
    CHECK(plan.needs_valid_mark);
    CHECK(plan.firewall_commands.find("udp dport 40000") != std::string::npos);
}

TEST_CASE("with a lock nothing in the main table outranks a full tunnel but the local networks that are named") {
    config::ClientConfig config = connection_taking({"0.0.0.0/0", "::/0"});
    config.interface.lock = true;
    config.interface.local_networks = prefixes({"192.168.1.0/24", "192.168.2.0/24"});
    const NetworkPlan plan = plan_network(config, facts());
    const auto v4 = rules_of_family(plan, Family::v4);
    REQUIRE(v4.size() == 3);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(v4[i].table == main_table);
        CHECK(v4[i].destination == config.interface.local_networks[i]);
        CHECK_FALSE(v4[i].suppress_prefix_length);
        CHECK(v4[i].priority < v4[2].priority);
    }
    const auto v6 = rules_of_family(plan, Family::v6);
    REQUIRE(v6.size() == 1);
    CHECK(v6[0].table != main_table);
    CHECK(v6[0].inverted);
}

TEST_CASE("two rules a family keep outer packets out of a full tunnel") {
    const NetworkPlan plan = plan_network(connection_taking({"0.0.0.0/0", "::/0"}), facts());
    for (const Family family : {Family::v4, Family::v6}) {
        const auto rules = rules_of_family(plan, family);
        REQUIRE(rules.size() == 2);
        CHECK(rules[0].table == main_table);
        CHECK(rules[0].suppress_prefix_length == 0);
        CHECK_FALSE(rules[0].mark);
        CHECK(rules[1].priority > rules[0].priority);
        CHECK(rules[1].priority < 32766); // of the kernel's rule for the main table
        CHECK(rules[1].table == plan.routes[0].table);
        CHECK(rules[1].inverted);
        REQUIRE(rules[1].mark);
        CHECK(rules[1].mark->value == outer_mark);
    }
}

TEST_CASE("mark and table are not wg-quick's") {
    CHECK(outer_mark.value != 51820);
    for (unsigned slot = 0; slot < 16; ++slot) {
        CHECK(table_of(slot) != 51820);
        CHECK(table_of(slot) > 255);
    }
}

TEST_CASE("a full tunnel of one family leaves the other alone") {
    const NetworkPlan plan = plan_network(connection_taking({"::/0", "10.66.0.0/24"}), facts());
    CHECK(rules_of_family(plan, Family::v4).empty());
    CHECK(rules_of_family(plan, Family::v6).size() == 2);
    CHECK(route_to(plan, "10.66.0.0/24")->table == main_table);
    CHECK_FALSE(plan.needs_valid_mark); // it is IPv4's
}

TEST_CASE("the two halves of everything are a full tunnel") {
    const NetworkPlan plan = plan_network(connection_taking({"0.0.0.0/1", "128.0.0.0/1"}), facts());
    REQUIRE(plan.routes.size() == 2);
    CHECK(plan.routes[0].table != main_table);
    CHECK(plan.routes[1].table != main_table);
    REQUIRE(plan.rules.size() == 2);
    CHECK(plan.rules[0].suppress_prefix_length == 0);
    CHECK(is_full_tunnel(prefixes({"0.0.0.0/1", "128.0.0.0/1"})));
    CHECK(is_full_tunnel(prefixes({"::/1", "8000::/1"}), Family::v6));
    CHECK_FALSE(is_full_tunnel(prefixes({"0.0.0.0/1"})));
    CHECK_FALSE(is_full_tunnel(prefixes({"0.0.0.0/1", "8000::/1"})));
    CHECK_FALSE(is_full_tunnel(prefixes({"0.0.0.0/0"}), Family::v6));
}

TEST_CASE("a prefix that covers the endpoint goes behind rules, so that outer packets never loop") {
    const NetworkPlan plan = plan_network(connection_taking({"198.51.100.0/24", "10.66.0.0/24"}), facts());
    CHECK(route_to(plan, "198.51.100.0/24")->table != main_table);
    CHECK(route_to(plan, "10.66.0.0/24")->table == main_table);
    REQUIRE(plan.rules.size() == 2);
    CHECK(plan.rules[0].suppress_prefix_length == 24); // what main knows better than the /24 stays with main
    CHECK(plan.rules[1].table == route_to(plan, "198.51.100.0/24")->table);
    CHECK(plan.needs_valid_mark);
}

TEST_CASE("every address that the endpoint's name has counts") {
    NetworkFacts both = facts();
    both.endpoints.push_back(address("2001:db8::1"));
    const NetworkPlan plan = plan_network(connection_taking({"2001:db8::/32"}), both);
    CHECK(plan.routes.front().table != main_table);
    CHECK(rules_of_family(plan, Family::v6).size() == 2);
}

TEST_CASE("the network of the interface's own address gets one route, the kernel's") {
    config::ClientConfig config = connection_taking({"10.66.0.0/24"});
    config.interface.addresses = prefixes({"10.66.0.2/24"});
    const NetworkPlan plan = plan_network(config, facts());
    REQUIRE(plan.addresses.size() == 1);
    CHECK(plan.addresses[0].prefix_route);
    CHECK(plan.routes.empty());
}

TEST_CASE("the kernel makes no route that would swallow the way to the endpoint") {
    config::ClientConfig config = connection_taking({"198.51.100.0/24"});
    config.interface.addresses = prefixes({"198.51.100.200/24"});
    const NetworkPlan plan = plan_network(config, facts());
    CHECK_FALSE(plan.addresses[0].prefix_route);
    CHECK(route_to(plan, "198.51.100.0/24")->table != main_table);
}

TEST_CASE("without IPv6 on the machine its addresses and routes are left out, and said so") {
    NetworkFacts without = facts();
    without.ipv6 = false;
    const NetworkPlan plan = plan_network(connection_taking({"0.0.0.0/0", "::/0"}), without);
    CHECK(plan.addresses.size() == 1);
    CHECK(plan.routes.size() == 1);
    CHECK(rules_of_family(plan, Family::v6).empty());
    CHECK(plan.warnings.size() == 2);
    CHECK(plan.firewall_commands.find("ip6") == std::string::npos);
}

TEST_CASE("the MTU is that of the way to the endpoint less what goes around a packet") {
    config::ClientConfig config = connection_taking({"0.0.0.0/0"});
    const auto mtu = [&](std::vector<std::string_view> endpoints, config::Suite suite) {
        NetworkFacts around = facts();
        around.endpoints.clear();
        for (const std::string_view endpoint : endpoints) around.endpoints.push_back(*IpAddress::parse(endpoint));
        config.peers[0].suite = suite;
        return plan_network(config, around).mtu;
    };
    CHECK(mtu({"192.0.2.1"}, config::Suite::wireguard) == 1440);
    CHECK(mtu({"192.0.2.1"}, config::Suite::hybrid) == 1424);
    CHECK(mtu({"2001:db8::1"}, config::Suite::wireguard) == 1420);
    CHECK(mtu({"2001:db8::1"}, config::Suite::hybrid) == 1404);
    CHECK(mtu({"192.0.2.1", "2001:db8::1"}, config::Suite::hybrid) == 1404); // it may come to the larger
    CHECK(mtu({}, config::Suite::hybrid) == 1404);
}

TEST_CASE("what a way carries makes the interface's MTU, and below its least what passes in one piece") {
    NetworkFacts around = facts();
    around.endpoints = {address("2001:db8::1")};
    config::ClientConfig config = connection_taking({"0.0.0.0/0", "::/0"});
    const NetworkPlan plan = plan_network(config, around);
    CHECK(plan.mtu_is_auto);
    CHECK(interface_mtu(plan, 1400) == 1320);
    CHECK(largest_whole_packet(plan, 1400) == 1312); // a multiple of 16
    CHECK(largest_whole_packet(plan, 1500) == 1420);
    CHECK(interface_mtu(plan, 1280) == 1280);
    CHECK(largest_whole_packet(plan, 1280) == 1200);
    config.interface.mtu = 1300;
    CHECK_FALSE(plan_network(config, around).mtu_is_auto);
    CHECK(plan_network(config, around).mtu == 1300);
}

TEST_CASE("the MTU follows the link, and has its limits") {
    NetworkFacts small = facts();
    small.endpoints = {*IpAddress::parse("2001:db8::1")};
    config::ClientConfig config = connection_taking({"0.0.0.0/0"});
    CHECK(plan_network(config, small).mtu == 1420);
    small.outer_mtu = 1492;
    CHECK(plan_network(config, small).mtu == 1412);
    SUBCASE("with IPv6 inside, never below 1280") {
        small.outer_mtu = 1300;
        CHECK(plan_network(config, small).mtu == 1280);
    }
    SUBCASE("without IPv6 inside it may be less") {
        small.outer_mtu = 1300;
        config.interface.addresses = prefixes({"10.66.0.2/32"});
        CHECK(plan_network(config, small).mtu == 1220);
    }
    SUBCASE("what the file says counts") {
        config.interface.mtu = 1400;
        CHECK(plan_network(config, small).mtu == 1400);
    }
}

TEST_CASE("connections with rules don't share tables or priorities") {
    NetworkFacts first = facts();
    NetworkFacts second = facts();
    second.slot = 1;
    const auto config = connection_taking({"0.0.0.0/0"});
    const NetworkPlan a = plan_network(config, first);
    const NetworkPlan b = plan_network(config, second);
    CHECK(a.table() != b.table());
    for (const system::Rule& one : a.rules)
        for (const system::Rule& other : b.rules) CHECK(one.priority != other.priority);
}
