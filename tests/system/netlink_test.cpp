// What is put into the kernel over netlink, as `ip` sees it and as our own dump does, and that it leaves no trace.
#include "common/system/address.hpp"
#include "common/system/link.hpp"
#include "common/system/route.hpp"
#include "common/system/rule.hpp"
#include "tests/support/net_namespace.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

using namespace vpn;
using namespace vpn::system;
using test::Inside;
using test::NetNamespace;
using test::shell;

namespace {

Prefix prefix(const std::string& text) { return Prefix::parse(text).value(); }
IpAddress address(const std::string& text) { return IpAddress::parse(text).value(); }

Netlink open_netlink() {
    auto netlink = Netlink::open();
    REQUIRE(netlink.has_value());
    return std::move(*netlink);
}

/// Everything that routing consists of, as `ip` prints it.
std::string state_of_machine() {
    return shell("ip -d link show; ip address show; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule");
}

/// A namespace with a pair of interfaces, near0 up.
class Pair {
  public:
    Pair() : inside_(net_) {
        CHECK(shell("ip link add near0 type veth peer name far0; ip link set near0 addrgenmode none; ip link set far0 "
                    "addrgenmode none; "
                    "ip link set near0 up; ip link set far0 up; ip address add 10.0.0.1/24 dev near0") == "");
        test::wait_until_running("near0");
        test::wait_until_running("far0");
        near_ = find_link(netlink_, "near0").value().index;
    }
    Netlink& netlink() { return netlink_; }
    [[nodiscard]] std::uint32_t near_index() const { return near_; }
    [[nodiscard]] const NetNamespace& net() const { return net_; }

  private:
    NetNamespace net_;
    Inside inside_;
    Netlink netlink_ = open_netlink();
    std::uint32_t near_ = 0;
};

Route route_by(std::uint32_t interface, const std::string& destination, std::uint32_t table = 254) {
    Route route;
    route.destination = prefix(destination);
    route.table = table;
    route.interface = interface;
    return route;
}

template <class T> bool contains(const std::vector<T>& all, const T& one) { return std::ranges::find(all, one) != all.end(); }

} // namespace

TEST_CASE("interfaces are found by name and index, with what they are") {
    Pair pair;
    const Link lo = find_link(pair.netlink(), "lo").value();
    CHECK(lo.index == 1);
    CHECK(lo.loopback);
    CHECK(lo.up);
    CHECK(lo.mtu == 65536);
    const Link near = find_link(pair.netlink(), "near0").value();
    CHECK(near.kind == "veth");
    CHECK(near.mtu == 1500);
    CHECK(near.hardware_address.size() == 6);
    CHECK(near.running);
    CHECK(find_link(pair.netlink(), near.index).value().name == "near0");
    CHECK(list_links(pair.netlink()).value().size() == 3);

    const auto none = find_link(pair.netlink(), "nothing");
    REQUIRE_FALSE(none.has_value());
    CHECK(is_errno(none.error(), ENODEV));
    CHECK(none.error().message.find("nothing") != std::string::npos);
    CHECK(none.error().message.find("No such device") != std::string::npos);
}

TEST_CASE("an interface goes up and down, and takes an MTU and a queue length") {
    Pair pair;
    const auto now = [&pair] { return find_link(pair.netlink(), pair.near_index()).value(); };
    CHECK(set_link_down(pair.netlink(), pair.near_index()).has_value());
    CHECK_FALSE(now().up);
    CHECK(set_link_mtu(pair.netlink(), pair.near_index(), 1420).has_value());
    CHECK(set_link_queue_length(pair.netlink(), pair.near_index(), 256).has_value());
    CHECK(set_link_up(pair.netlink(), pair.near_index()).has_value());
    CHECK(now().up);
    CHECK(now().mtu == 1420);
    CHECK(now().queue_length == 256);
    CHECK(shell("ip link show near0").find("mtu 1420") != std::string::npos);
    CHECK(is_errno(set_link_mtu(pair.netlink(), pair.near_index(), 1'000'000).error(), EINVAL));
    CHECK(is_errno(set_link_up(pair.netlink(), 4711).error(), ENODEV));
    CHECK(delete_link(pair.netlink(), pair.near_index()).has_value());
    CHECK(list_links(pair.netlink()).value().size() == 1);
}

TEST_CASE("addresses come and go with their guards and leave no trace") {
    Pair pair;
    const std::string before = state_of_machine();
    for (const char* text : {"10.66.0.2/32", "10.66.1.1/24", "fd66::2/128", "fd66:1::1/64"}) {
        CAPTURE(text);
        for (const bool with_route : {true, false}) {
            const InterfaceAddress wanted{pair.near_index(), prefix(text), with_route};
            {
                const auto added = ScopedAddress::add(pair.netlink(), wanted);
                REQUIRE(added.has_value());
                CHECK(contains(list_addresses(pair.netlink()).value(), wanted));
                CHECK(shell("ip address show dev near0").find(text) != std::string::npos);
                CHECK(shell("ip address show dev near0").find("tentative") == std::string::npos);
                CHECK(is_errno(add_address(pair.netlink(), wanted).error(), EEXIST));
            }
            CHECK_FALSE(contains(list_addresses(pair.netlink()).value(), wanted));
            CHECK(is_errno(delete_address(pair.netlink(), wanted).error(), EADDRNOTAVAIL));
        }
    }
    CHECK(state_of_machine() == before);
}

TEST_CASE("routes of every kind we use go in and come out as they were") {
    Pair pair;
    CHECK(shell("ip address add fd01::1/64 dev near0 nodad") == "");
    test::wait_until_local("fd01::1");
    const std::string before = state_of_machine();
    std::vector<Route> routes{route_by(pair.near_index(), "192.0.2.0/24"), route_by(pair.near_index(), "0.0.0.0/0", 51820),
                              route_by(pair.near_index(), "::/0", 51820), route_by(pair.near_index(), "2001:db8::/32", 100)};
    Route by_gateway = route_by(pair.near_index(), "198.51.100.7/32");
    by_gateway.gateway = address("10.0.0.254");
    by_gateway.metric = 77;
    by_gateway.preferred_source = address("10.0.0.1");
    Route by_gateway6 = route_by(pair.near_index(), "2001:db8:7::/48", 1000);
    by_gateway6.gateway = address("fd01::fe");
    routes.insert(routes.end(), {by_gateway, by_gateway6});
    for (const RouteKind kind : {RouteKind::unreachable, RouteKind::blackhole, RouteKind::prohibit, RouteKind::throws}) {
        Route refusal = route_by(0, "203.0.113.0/24", 70000);
        refusal.kind = kind;
        routes.push_back(refusal);
    }
    for (const Route& route : routes) {
        CAPTURE(route.destination.to_string());
        {
            const auto added = ScopedRoute::add(pair.netlink(), route);
            REQUIRE(added.has_value());
            Route listed = route;
            if (route.destination.family() == Family::v6 && route.metric == 0) listed.metric = 1024;
            CHECK(contains(list_routes(pair.netlink(), route.table).value(), listed));
            CHECK(state_of_machine() != before);
            CHECK(is_errno(add_route(pair.netlink(), route).error(), EEXIST));
        }
        CHECK(is_errno(delete_route(pair.netlink(), route).error(), ESRCH));
    }
    CHECK(state_of_machine() == before);
}

TEST_CASE("an unreachable route of IPv6 can be put up and taken down") {
    Pair pair;
    const std::string before = state_of_machine();
    Route refusal = route_by(0, "::/0", 70000);
    refusal.kind = RouteKind::unreachable;
    {
        const auto added = ScopedRoute::add(pair.netlink(), refusal);
        REQUIRE(added.has_value());
        CHECK(shell("ip -6 route show table 70000").find("unreachable default") != std::string::npos);
        const auto listed = list_routes(pair.netlink(), 70000).value();
        REQUIRE(listed.size() == 1);
        CHECK(listed[0].kind == RouteKind::unreachable);
    }
    CHECK(state_of_machine() == before);
}

TEST_CASE("thousands of routes go in at once and out at once") {
    Pair pair;
    const std::string before = state_of_machine();
    std::vector<Route> routes;
    for (unsigned i = 0; i < 5000; ++i) {
        routes.push_back(
            route_by(pair.near_index(), "172." + std::to_string(16 + i / 256) + "." + std::to_string(i % 256) + ".0/24", 51820));
    }
    {
        auto added = ScopedRoutes::add(pair.netlink(), routes);
        REQUIRE(added.has_value());
        auto listed = list_routes(pair.netlink(), 51820).value();
        std::ranges::sort(listed);
        std::ranges::sort(routes);
        CHECK(listed == routes);
    }
    CHECK(state_of_machine() == before);
}

TEST_CASE("of many routes all are added or none") {
    Pair pair;
    std::vector<Route> routes;
    for (unsigned i = 0; i < 300; ++i)
        routes.push_back(route_by(pair.near_index(), "172.16." + std::to_string(i % 256) + ".0/" + (i < 256 ? "24" : "25")));
    routes[200].interface = 4711;
    const std::string before = state_of_machine();
    const auto added = add_routes(pair.netlink(), routes);
    REQUIRE_FALSE(added.has_value());
    CHECK(is_errno(added.error(), ENODEV));
    CHECK(added.error().message.find(routes[200].destination.to_string()) != std::string::npos);
    CHECK(state_of_machine() == before);
}

TEST_CASE("routes get an MTU and lose it again, and go as they came") {
    Pair pair;
    const std::string before = state_of_machine();
    const std::vector<Route> routes{route_by(pair.near_index(), "192.0.2.0/24"), route_by(pair.near_index(), "2001:db8::/32")};
    auto scoped = ScopedRoutes::add(pair.netlink(), routes);
    const std::string plain = state_of_machine();
    CHECK(set_routes_mtu(pair.netlink(), routes, 1200).has_value());
    CHECK(shell("ip route show 192.0.2.0/24").find(" mtu 1200") != std::string::npos);
    CHECK(shell("ip -6 route show 2001:db8::/32").find(" mtu 1200") != std::string::npos);
    CHECK(set_routes_mtu(pair.netlink(), routes, 0).has_value());
    CHECK(state_of_machine() == plain);
    CHECK(set_routes_mtu(pair.netlink(), routes, 1100).has_value());
    CHECK(scoped->revert().has_value());
    CHECK(state_of_machine() == before);
    CHECK_FALSE(set_routes_mtu(pair.netlink(), routes, 1200));
}

TEST_CASE("routes that went with their interface are no error, and a guard can be told to let go") {
    Pair pair;
    const std::vector<Route> routes{route_by(pair.near_index(), "192.0.2.0/24"), route_by(pair.near_index(), "2001:db8::/32")};
    auto scoped = ScopedRoutes::add(pair.netlink(), routes);
    auto scoped_address = ScopedAddress::add(pair.netlink(), {pair.near_index(), prefix("10.66.0.1/24")});
    REQUIRE(scoped.has_value());
    REQUIRE(scoped_address.has_value());
    auto kept = ScopedRoute::add(pair.netlink(), route_by(1, "192.0.2.128/25"));
    REQUIRE(kept.has_value());
    kept->release();
    CHECK(kept->revert().has_value());
    CHECK(shell("ip route show 192.0.2.128/25") != "");
    CHECK(delete_link(pair.netlink(), pair.near_index()).has_value());
    CHECK(scoped->revert().has_value());
    CHECK(scoped_address->revert().has_value());
    CHECK(scoped->revert().has_value());
}

TEST_CASE("a moved guard takes down once, and what it is assigned over at once") {
    Pair pair;
    const Route first = route_by(pair.near_index(), "192.0.2.0/25");
    const Route second = route_by(pair.near_index(), "192.0.2.128/25");
    const auto there = [&pair](const Route& route) { return contains(list_routes(pair.netlink()).value(), route); };
    auto a = ScopedRoute::add(pair.netlink(), first).value();
    {
        auto b = ScopedRoute::add(pair.netlink(), second).value();
        a = std::move(b);
        CHECK_FALSE(there(first));
        CHECK(there(second));
    }
    CHECK(there(second));
    CHECK(a.revert().has_value());
    CHECK_FALSE(there(second));
}

TEST_CASE("the rules of a full tunnel go in and come out as they were") {
    Pair pair;
    const std::string before = state_of_machine();
    for (const Family family : {Family::v4, Family::v6}) {
        Rule main_without_default;
        main_without_default.family = family;
        main_without_default.priority = 5180;
        main_without_default.table = 254;
        main_without_default.suppress_prefix_length = 0;
        Rule not_marked;
        not_marked.family = family;
        not_marked.priority = 5181;
        not_marked.table = 51820;
        not_marked.mark = MarkMatch{Mark{0x5180}, Mark{0xfff0}};
        not_marked.inverted = true;
        Rule by_names;
        by_names.family = family;
        by_names.priority = 5182;
        by_names.table = 100;
        by_names.in_interface = "near0";
        by_names.source = prefix(family == Family::v4 ? "10.0.0.0/8" : "fd00::/8");
        by_names.destination = prefix(family == Family::v4 ? "192.0.2.1/32" : "2001:db8::1/128");
        const std::string ip = family == Family::v4 ? "ip rule" : "ip -6 rule";
        {
            const auto first = ScopedRule::add(pair.netlink(), main_without_default);
            const auto second = ScopedRule::add(pair.netlink(), not_marked);
            const auto third = ScopedRule::add(pair.netlink(), by_names);
            REQUIRE(first.has_value());
            REQUIRE(second.has_value());
            REQUIRE(third.has_value());
            const std::string shown = shell(ip);
            CHECK(shown.find("5180:\tfrom all lookup main suppress_prefixlength 0") != std::string::npos);
            CHECK(shown.find("5181:\tnot from all fwmark 0x5180/0xfff0 lookup 51820") != std::string::npos);
            const auto listed = list_rules(pair.netlink()).value();
            for (const Rule& rule : {main_without_default, not_marked, by_names}) CHECK(contains(listed, rule));
            CHECK(is_errno(add_rule(pair.netlink(), not_marked).error(), EEXIST));
        }
        CHECK(is_errno(delete_rule(pair.netlink(), not_marked).error(), ENOENT));
    }
    CHECK(state_of_machine() == before);
}

TEST_CASE("a namespace's own rules are listed in their order") {
    Pair pair;
    auto rules = list_rules(pair.netlink()).value();
    std::erase_if(rules, [](const Rule& rule) { return rule.family != Family::v4; });
    REQUIRE(rules.size() == 3);
    CHECK(rules[0].priority == 0);
    CHECK(rules[0].table == 255);
    CHECK(rules[1].priority == 32766);
    CHECK(rules[1].table == 254);
    CHECK(rules[2].table == 253);
}

TEST_CASE("a look-up says where a packet would leave, by its mark") {
    Pair pair;
    CHECK(shell("ip route add 198.51.100.0/24 via 10.0.0.254; ip route add default dev lo table 51820; "
                "ip rule add fwmark 0x99 lookup 51820 priority 100; ip route add prohibit 203.0.113.0/24; ip route add blackhole "
                "192.0.2.0/24; "
                "ip -6 route add unreachable 2001:db8::/32; ip address add fd01::1/64 dev near0 nodad") == "");
    test::wait_until_local("fd01::1");
    const auto on_link = route_to(pair.netlink(), address("10.0.0.7"), Mark{0}).value();
    CHECK(on_link.interface == pair.near_index());
    CHECK(on_link.source == address("10.0.0.1"));
    CHECK_FALSE(on_link.gateway.has_value());
    CHECK(on_link.table == 254);
    CHECK(route_to(pair.netlink(), address("198.51.100.1"), Mark{0}).value().gateway == address("10.0.0.254"));
    const auto marked = route_to(pair.netlink(), address("198.51.100.1"), Mark{0x99}).value();
    CHECK(marked.interface == 1);
    CHECK(marked.table == 51820);
    CHECK(route_to(pair.netlink(), address("fd01::9"), Mark{0}).value().interface == pair.near_index());
    CHECK(route_to(pair.netlink(), address("10.0.0.1"), Mark{0}).value().kind == RouteKind::local);

    CHECK(is_errno(route_to(pair.netlink(), address("8.8.8.8"), Mark{0}).error(), ENETUNREACH));
    CHECK(is_errno(route_to(pair.netlink(), address("203.0.113.1"), Mark{0}).error(), EACCES));
    CHECK(is_errno(route_to(pair.netlink(), address("192.0.2.1"), Mark{0}).error(), EINVAL));
    CHECK_FALSE(route_to(pair.netlink(), address("2001:db8::1"), Mark{0}).has_value());
    CHECK(is_errno(route_to(pair.netlink(), address("2600::1"), Mark{0}).error(), ENETUNREACH));
}

TEST_CASE("of a route with several next hops the first is listed") {
    Pair pair;
    CHECK(
        shell(
            "ip address add 10.1.0.1/24 dev far0; ip route add 198.51.100.0/24 nexthop via 10.0.0.254 nexthop via 10.1.0.254") ==
        "");
    const auto routes = list_routes(pair.netlink()).value();
    const auto found = std::ranges::find(routes, prefix("198.51.100.0/24"), &Route::destination);
    REQUIRE(found != routes.end());
    CHECK(found->gateway == address("10.0.0.254"));
    CHECK(found->interface == pair.near_index());
}

TEST_CASE("a refusal carries the kernel's own explanation") {
    Pair pair;
    Route lost = route_by(0, "198.51.100.0/24");
    lost.gateway = address("172.16.0.1");
    const auto added = add_route(pair.netlink(), lost);
    REQUIRE_FALSE(added.has_value());
    CHECK(is_errno(added.error(), ENETUNREACH));
    CHECK(added.error().message.find("Nexthop has invalid gateway") != std::string::npos);
}
