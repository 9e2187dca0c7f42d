#include "vpn-client/leftovers.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;

namespace {

NetworkPlan full_tunnel() { return plan_network(connection_taking({"0.0.0.0/0", "::/0"}), facts()); }

system::Rule rule(std::uint32_t priority, std::uint32_t table) {
    system::Rule result;
    result.priority = priority;
    result.table = table;
    return result;
}

/// What every machine has.
std::vector<system::Rule> usual_rules() { return {rule(0, 255), rule(32766, 254), rule(32767, 253)}; }

Result<void> check_with(const NetworkPlan& plan, system::Rule foreign) {
    auto rules = usual_rules();
    rules.push_back(std::move(foreign));
    return check_unused(plan, rules, {}, {});
}

} // namespace

TEST_CASE("an ordinary machine has what we need") { CHECK(check_unused(full_tunnel(), usual_rules(), {}, {})); }

TEST_CASE("somebody else's rule on our mark, table or place is found before anything is changed") {
    const NetworkPlan plan = full_tunnel();
    system::Rule marked = rule(100, 77);
    marked.mark = system::MarkMatch{outer_mark};
    CHECK_FALSE(check_with(plan, marked));
    CHECK_FALSE(check_with(plan, rule(100, plan.table())));
    CHECK_FALSE(check_with(plan, rule(plan.rules[0].priority, 77)));
    CHECK(check_with(plan, rule(100, 77)));
}

TEST_CASE("a route in our table is found too") {
    const NetworkPlan plan = full_tunnel();
    system::Route route;
    route.destination = prefix("203.0.113.0/24");
    route.table = plan.table();
    CHECK_FALSE(check_unused(plan, usual_rules(), {route}, {}));
}

TEST_CASE("a split tunnel asks for none of that") {
    const NetworkPlan plan = plan_network(connection_taking({"10.66.0.0/24"}), facts());
    system::Rule marked = rule(100, 77);
    marked.mark = system::MarkMatch{outer_mark};
    CHECK(check_with(plan, marked));
}

TEST_CASE("the rules of another connection of ours are no stranger's") {
    NetworkFacts second = facts();
    second.slot = 1;
    const NetworkPlan plan = plan_network(connection_taking({"0.0.0.0/0"}), second);
    const Journal other{"office", 0, {Family::v4}, "vpn-client-office", "0"};
    auto rules = usual_rules();
    for (system::Rule ours : rules_of(other)) {
        if (ours.table != 254) ours.mark = system::MarkMatch{outer_mark};
        rules.push_back(ours);
    }
    CHECK(check_unused(plan, rules, {}, {other}));
    CHECK_FALSE(check_unused(plan, rules, {}, {}));
}

TEST_CASE("each connection has a slot of its own, while there are some") {
    CHECK(free_slot({}) == 0);
    CHECK(free_slot({{"a", 0, {}, "", ""}, {"b", 2, {}, "", ""}, {"c", std::nullopt, {}, "", ""}}) == 1);
    std::vector<Journal> all;
    for (unsigned slot = 0; slot < 16; ++slot) all.push_back({"x", slot, {}, "", ""});
    CHECK_FALSE(free_slot(all));
}
