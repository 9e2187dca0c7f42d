#include "vpn-server/surroundings.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

using samples::holds;
using samples::prefix;

system::Link link(std::uint32_t index, const std::string& name, std::uint32_t mtu) {
    system::Link result;
    result.index = index;
    result.name = name;
    result.mtu = mtu;
    return result;
}

system::Route route(const char* destination, std::uint32_t interface, std::uint32_t metric = 0) {
    system::Route result;
    result.destination = prefix(destination);
    result.interface = interface;
    result.metric = metric;
    return result;
}

Surroundings vps() {
    return {{link(1, "lo", 65536), link(2, "eth0", 1500), link(3, "eth1", 1400), link(9, "vpns", 1420)},
            {{2, prefix("198.51.100.10/24")}},
            {route("0.0.0.0/0", 2), route("::/0", 3, 1024), route("198.51.100.0/24", 2)}};
}

} // namespace

TEST_CASE("the way out is where the default route of each family leads") {
    CHECK(uplinks_of(vps(), "vpns") == Uplinks{"eth0", "eth1"});
    Surroundings around = vps();
    around.routes.clear();
    CHECK(uplinks_of(around, "vpns") == Uplinks{});
}

TEST_CASE("of several default routes the one of the least metric counts, and the tunnel's never") {
    Surroundings around = vps();
    around.routes = {route("0.0.0.0/0", 2, 200), route("0.0.0.0/0", 3, 100), route("0.0.0.0/0", 9, 1)};
    CHECK(uplinks_of(around, "vpns").v4 == "eth1");
    around.routes[1].kind = system::RouteKind::unreachable;
    CHECK(uplinks_of(around, "vpns").v4 == "eth0");
}

TEST_CASE("the smallest link that leads out counts for the MTU") {
    CHECK(smallest_uplink_mtu(vps(), "vpns") == 1400);
    Surroundings around = vps();
    around.routes.pop_back();
    around.routes.pop_back();
    CHECK(smallest_uplink_mtu(around, "vpns") == 1500);
    around.routes.clear();
    CHECK_FALSE(smallest_uplink_mtu(around, "vpns"));
}

TEST_CASE("a tunnel that fits is no conflict, and its own interface never is") {
    Surroundings around = vps();
    const Layout layout = layout_of(samples::config());
    CHECK_FALSE(conflict(around, layout, "vpns"));
    around.addresses.push_back({9, prefix("10.66.0.1/24")});
    around.routes.push_back(route("10.66.0.0/24", 9));
    around.routes.push_back(route("10.0.0.0/8", 2)); // a wider one leaves room
    CHECK_FALSE(conflict(around, layout, "vpns"));
}

TEST_CASE("an address or a network that another interface has is named, with the interface") {
    Surroundings around = vps();
    std::string_view what;
    SUBCASE("the address") {
        around.addresses.push_back({3, prefix("10.66.0.1/16")});
        what = "10.66.0.1";
    }
    SUBCASE("the network of an address") {
        around.routes.push_back(route("10.66.0.0/24", 3));
        what = "10.66.0.0/24";
    }
    SUBCASE("a network behind a peer") {
        around.routes.push_back(route("192.168.7.0/24", 3));
        what = "192.168.7.0/24";
    }
    const auto taken = conflict(around, layout_of(samples::config()), "vpns");
    REQUIRE(taken);
    CHECK(holds(*taken, what));
    CHECK(holds(*taken, "eth1"));
}

} // namespace vpn::server
