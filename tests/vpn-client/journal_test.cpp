#include "vpn-client/journal.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace vpn;
using namespace vpn::client;

TEST_CASE("a journal says after a crash what it said before") {
    const Journal full{"laptop", 3, {Family::v4, Family::v6}, "vpn-client-laptop", "0"};
    CHECK(decode_journal(encode(full)) == full);
    const Journal split{"office", std::nullopt, {}, "vpn-client-office", ""};
    CHECK(decode_journal(encode(split)) == split);
}

TEST_CASE("half a journal, or somebody else's text, is none") {
    const std::string whole = encode({"laptop", 3, {Family::v4}, "vpn-client-laptop", "0"});
    for (std::size_t length = 0; length + 2 < whole.size(); ++length) CHECK_FALSE(decode_journal(whole.substr(0, length)));
    CHECK_FALSE(decode_journal("{}"));
    CHECK_FALSE(
        decode_journal(R"({"version":1,"name":"x","slot":99,"rule_families":[],"firewall_table":"","valid_mark_before":""})"));
}

TEST_CASE("the rules of a journal are those of the plan it was made from") {
    const NetworkPlan plan = plan_network(connection_taking({"0.0.0.0/0", "::/0"}), facts());
    const auto rules = rules_of({"laptop", 0, {Family::v4, Family::v6}, "vpn-client-laptop", "0"});
    REQUIRE(rules.size() == plan.rules.size());
    for (const system::Rule& planned : plan.rules)
        CHECK(std::ranges::any_of(rules, [&planned](const system::Rule& rule) {
            return rule.family == planned.family && rule.priority == planned.priority && rule.table == planned.table;
        }));
    CHECK(rules_of({"office", std::nullopt, {}, "", ""}).empty());
}
