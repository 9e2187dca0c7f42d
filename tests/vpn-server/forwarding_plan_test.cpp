// The issue: forwarding without losing router-advertised routes, and put back.
#include "vpn-server/forwarding_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

namespace vpn::server {
namespace {

/// A machine with two interfaces that forwards nothing and believes routers on the first.
std::map<std::string, std::string> machine() {
    std::map<std::string, std::string> values{{"net/ipv4/ip_forward", "0"},
                                              {"net/ipv4/conf/all/accept_redirects", "1"},
                                              {"net/ipv4/conf/default/forwarding", "0"},
                                              {"net/ipv6/conf/all/forwarding", "0"},
                                              {"net/ipv6/conf/default/forwarding", "0"}};
    for (const std::string interface : {"eth0", "eth1"}) {
        values["net/ipv4/conf/" + interface + "/forwarding"] = "0";
        values["net/ipv6/conf/" + interface + "/forwarding"] = "0";
        values["net/ipv6/conf/" + interface + "/accept_ra"] = interface == "eth0" ? "1" : "0";
    }
    return values;
}

class Machine {
  public:
    std::map<std::string, std::string> values = machine();
    std::vector<std::string> interfaces{"eth0", "eth1"};

    [[nodiscard]] ForwardingPlan plan(bool with_ipv6 = true) const {
        return plan_forwarding(interfaces, with_ipv6, [this](const std::string& path) {
            const auto found = values.find(path);
            return found != values.end() ? std::optional(found->second) : std::nullopt;
        });
    }
    /// As the kernel does it: a family's switch turns every interface's, and IPv4's the redirects too.
    void write(const Setting& setting) {
        const bool turned = std::exchange(values[setting.path], setting.value) != setting.value;
        const bool v4 = setting.path == "net/ipv4/ip_forward";
        if (!turned || (!v4 && setting.path != "net/ipv6/conf/all/forwarding")) return;
        if (v4) values["net/ipv4/conf/all/accept_redirects"] = setting.value == "1" ? "0" : "1";
        for (auto& [path, value] : values)
            if (path.ends_with("/forwarding") && path.starts_with(v4 ? "net/ipv4" : "net/ipv6")) value = setting.value;
    }
    void turn(const ForwardingPlan& plan) {
        for (const Setting& setting : plan.turn) write(setting);
    }
    void put_back(const ForwardingPlan& plan) {
        for (const Setting& setting : plan.put_back) write(setting);
    }
};

} // namespace

TEST_CASE("both families forward, and routers are believed where they were before") {
    Machine machine;
    machine.turn(machine.plan());
    CHECK(machine.values["net/ipv4/ip_forward"] == "1");
    CHECK(machine.values["net/ipv6/conf/all/forwarding"] == "1");
    CHECK(machine.values["net/ipv6/conf/eth0/accept_ra"] == "2");
    CHECK(machine.values["net/ipv6/conf/eth1/accept_ra"] == "0");
}

TEST_CASE("accept_ra is 2 before IPv6 forwards, or the advertised routes are gone") {
    const std::vector<Setting> turn = Machine().plan().turn;
    const auto accept = std::find(turn.begin(), turn.end(), Setting{"net/ipv6/conf/eth0/accept_ra", "2"});
    const auto forward = std::find(turn.begin(), turn.end(), Setting{"net/ipv6/conf/all/forwarding", "1"});
    REQUIRE(forward != turn.end());
    CHECK(accept < forward);
}

TEST_CASE("everything is put back, whatever it was") {
    Machine machine;
    SUBCASE("as it comes") {}
    SUBCASE("redirects refused, which the kernel would accept again") {
        machine.values["net/ipv4/conf/all/accept_redirects"] = "0";
    }
    SUBCASE("one interface forwards already") {
        machine.values["net/ipv4/conf/eth1/forwarding"] = "1";
        machine.values["net/ipv6/conf/eth1/forwarding"] = "1";
    }
    SUBCASE("IPv4 forwards already") {
        machine.values["net/ipv4/ip_forward"] = "1";
        machine.values["net/ipv4/conf/all/accept_redirects"] = "1";
    }
    const auto before = machine.values;
    const ForwardingPlan plan = machine.plan();
    machine.turn(plan);
    machine.put_back(plan);
    CHECK(machine.values == before);
}

TEST_CASE("a machine that forwards already is left alone") {
    Machine machine;
    machine.values["net/ipv4/ip_forward"] = "1";
    machine.values["net/ipv6/conf/all/forwarding"] = "1";
    CHECK(machine.plan() == ForwardingPlan{});
}

TEST_CASE("a tunnel without IPv6 touches nothing of IPv6") {
    const ForwardingPlan plan = Machine().plan(false);
    const auto v6 = [](const Setting& setting) { return setting.path.find("ipv6") != std::string::npos; };
    CHECK(std::none_of(plan.turn.begin(), plan.turn.end(), v6));
    CHECK(std::none_of(plan.put_back.begin(), plan.put_back.end(), v6));
    CHECK_FALSE(plan.turn.empty());
}

TEST_CASE("after a crash, the next daemon's end puts back what was before the first") {
    Machine machine;
    const auto before = machine.values;
    const ForwardingPlan first = machine.plan();
    const std::string left = encode_settings(first.put_back);
    machine.turn(first);
    const ForwardingPlan second = continued(machine.plan(), decode_settings(left).value());
    machine.turn(second);
    CHECK(machine.values["net/ipv4/ip_forward"] == "1");
    machine.put_back(second);
    CHECK(machine.values == before);
}

TEST_CASE("what was left is the truth, and what is found beside it is added") {
    const ForwardingPlan plan{{{"a", "1"}}, {{"a", "0"}, {"b", "0"}}};
    const ForwardingPlan result = continued(plan, {{"a", "7"}, {"c", "8"}});
    CHECK(result.turn == plan.turn);
    CHECK(result.put_back == std::vector<Setting>{{"a", "7"}, {"c", "8"}, {"b", "0"}});
}

TEST_CASE("a file that is not ours, or reaches beyond the network's switches, is refused") {
    CHECK(decode_settings(encode_settings({{"net/ipv4/ip_forward", "0"}})).value() ==
          std::vector<Setting>{{"net/ipv4/ip_forward", "0"}});
    for (const char* text :
         {"", "{}", "[]", R"({"version": 2, "put_back": []})", R"({"version": 1, "put_back": [{"path": "net/x"}]})",
          R"({"version": 1, "put_back": [{"path": "kernel/core_pattern", "value": "x"}]})",
          R"({"version": 1, "put_back": [{"path": "net/../kernel/core_pattern", "value": "x"}]})"})
        CHECK_FALSE(decode_settings(text));
}

} // namespace vpn::server
