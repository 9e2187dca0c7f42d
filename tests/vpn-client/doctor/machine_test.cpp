#include "vpn-client/doctor/machine.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using namespace vpn::client::checks;
using namespace std::chrono_literals;

namespace {

Wall day(int year, unsigned month, unsigned number) {
    return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(number));
}

system::Rule rule(std::uint32_t priority, std::uint32_t table) {
    system::Rule rule;
    rule.priority = priority;
    rule.table = table;
    return rule;
}

system::Link link(std::uint32_t index, std::string name, std::string kind) {
    system::Link link;
    link.index = index;
    link.name = std::move(name);
    link.kind = std::move(kind);
    link.up = true;
    return link;
}

system::Route route(std::string_view destination, std::uint32_t interface, std::uint32_t table) {
    system::Route route;
    route.destination = prefix(destination);
    route.interface = interface;
    route.table = table;
    return route;
}

/// A laptop with Wi-Fi, our tunnel, and wg-quick's.
NetworkView laptop() {
    NetworkView view;
    view.links = {link(1, "lo", ""), link(2, "wlan0", ""), link(7, "laptop", "tun"), link(8, "wg0", "wireguard")};
    view.addresses = {
        {1, prefix("127.0.0.1/8")}, {2, prefix("192.168.1.7/24")}, {2, prefix("fe80::7/64")}, {7, prefix("10.66.0.2/32")}};
    view.routes = {route("0.0.0.0/0", 2, 254), route("0.0.0.0/0", 7, 0x76706e)};
    view.rules = {rule(0, 255), rule(29000, 254), rule(29001, 0x76706e), rule(32766, 254)};
    view.ours = {"laptop"};
    return view;
}

Verdict only(const Findings& findings) {
    REQUIRE(findings.size() == 1);
    CHECK((findings.front().verdict == Verdict::ok) == findings.front().fix.empty());
    return findings.front().verdict;
}

} // namespace

TEST_CASE("a clock outside of this century's years to come fails, and one that went back is told") {
    CHECK(judge_clock(day(2026, 11, 23), std::nullopt).verdict == Verdict::ok);
    CHECK(judge_clock(day(1970, 1, 1), std::nullopt).verdict == Verdict::fail);
    CHECK(judge_clock(day(2024, 12, 31), std::nullopt).verdict == Verdict::fail);
    CHECK(judge_clock(day(2106, 2, 7), std::nullopt).verdict == Verdict::fail);
    CHECK(judge_clock(day(2026, 11, 23), day(2026, 11, 22)).verdict == Verdict::ok);
    CHECK(judge_clock(day(2026, 11, 23), day(2026, 11, 23) + 60s).verdict == Verdict::ok);
    const Finding back = judge_clock(day(2026, 11, 23), day(2026, 11, 25));
    CHECK(back.verdict == Verdict::warn);
    CHECK(back.says.find("2 days") != std::string::npos);
}

TEST_CASE("what a crash left fails and names `recover`; a lock without its connection is a warning") {
    CHECK(only(judge_leftovers({})) == Verdict::ok);
    const Findings crashed =
        judge_leftovers({.crashed = {"office"}, .dns = {}, .idle_locks = {}, .running = {}, .rules = {rule(29000, 254)}});
    CHECK(only(crashed) == Verdict::fail);
    CHECK(crashed.front().fix == "vpn-client recover");
    const Findings locked = judge_leftovers({.crashed = {}, .dns = {}, .idle_locks = {"office"}, .running = {}, .rules = {}});
    REQUIRE(locked.size() == 2);
    CHECK(locked.back().verdict == Verdict::warn);
    CHECK(locked.back().fix.find("vpn-client disconnect office") != std::string::npos);
}

TEST_CASE("name servers that a crash, or a restart of the machine, left are a leftover by themselves") {
    Leftovers facts;
    facts.dns = {"office"};
    const Findings findings = judge_leftovers(facts);
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().verdict == Verdict::fail);
    CHECK(findings.front().fix == "vpn-client recover");
    CHECK(findings.front().says.find("name servers") != std::string::npos);
    CHECK(findings.front().says.find("office") != std::string::npos);
}

TEST_CASE("a rule where ours go is a leftover unless a running connection put it there") {
    Leftovers facts;
    facts.rules = {rule(0, 255), rule(29000, 254), rule(29001, 0x76706e), rule(32766, 254)};
    CHECK(judge_leftovers(facts).size() == 2);
    facts.running = {
        Journal{.name = "laptop", .slot = 0, .rule_families = {Family::v4}, .firewall_table = "", .valid_mark_before = ""}};
    CHECK(only(judge_leftovers(facts)) == Verdict::ok);
    facts.rules.push_back(rule(29031, 9));
    CHECK(only(judge_leftovers(facts)) == Verdict::fail);
    facts.rules.back().priority = 29032; // behind the last of 16 slots
    CHECK(only(judge_leftovers(facts)) == Verdict::ok);
}

TEST_CASE("another tunnel counts once it takes a default route, and fails where it is asked before ours") {
    NetworkView view = laptop();
    CHECK(only(judge_other_vpns(view)) == Verdict::ok);
    view.routes.push_back(route("10.8.0.0/16", 8, 254));
    CHECK(only(judge_other_vpns(view)) == Verdict::ok);
    view.routes.push_back(route("0.0.0.0/0", 8, 51820));
    view.rules.push_back(rule(32765, 51820));
    CHECK(only(judge_other_vpns(view)) == Verdict::warn);
    view.rules.push_back(rule(100, 51820));
    CHECK(only(judge_other_vpns(view)) == Verdict::fail);
}

TEST_CASE("a local network that holds the tunnel's address fails, one that overlaps allowed_ips is a warning") {
    const NetworkView view = laptop();
    CHECK(only(judge_overlaps(view, prefixes({"0.0.0.0/0", "::/0"}), prefixes({"10.66.0.2/32"}))) == Verdict::ok);
    CHECK(only(judge_overlaps(view, prefixes({"192.168.0.0/16"}), prefixes({"10.66.0.2/32"}))) == Verdict::warn);
    CHECK(only(judge_overlaps(view, prefixes({"0.0.0.0/0"}), prefixes({"192.168.1.9/32"}))) == Verdict::fail);
    CHECK(only(judge_overlaps(view, prefixes({"127.0.0.0/8", "fe80::/64"}), prefixes({"10.66.0.2/32"}))) == Verdict::ok);
}

TEST_CASE("a manager fails where it manages our interface, and is fine where it does not run or leaves it alone") {
    Manager manager{.program = "NetworkManager", .runs = false, .manages = {}, .claimed_by = {}};
    CHECK(judge_manager(manager, "laptop").verdict == Verdict::ok);
    manager.runs = true;
    CHECK(judge_manager(manager, "laptop").verdict == Verdict::ok);
    manager.claimed_by = "/etc/systemd/network/all.network";
    CHECK(judge_manager(manager, "laptop").verdict == Verdict::warn);
    manager.manages = true;
    CHECK(judge_manager(manager, "laptop").verdict == Verdict::fail);
    CHECK(judge_manager(manager, "laptop").fix.find("nmcli device set laptop managed no") == 0);
    manager = {.program = "networkd", .runs = true, .manages = false, .claimed_by = "/etc/systemd/network/all.network"};
    CHECK(judge_manager(manager, "laptop").verdict == Verdict::ok);
}

TEST_CASE("a strict reverse-path filter fails only where our rules stand and marks are not looked at") {
    CHECK(judge_reverse_path({"eth0", 2, false, true}).verdict == Verdict::ok);
    CHECK(judge_reverse_path({"eth0", 0, false, true}).verdict == Verdict::ok);
    CHECK(judge_reverse_path({"eth0", 1, true, true}).verdict == Verdict::ok);
    CHECK(judge_reverse_path({"eth0", 1, false, false}).verdict == Verdict::ok);
    CHECK(judge_reverse_path({"eth0", 1, false, true}).verdict == Verdict::fail);
}
