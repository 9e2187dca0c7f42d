// THREATS "address or route changed": changes are heard of without asking.
#include "common/system/netlink_monitor.hpp"
#include "tests/support/net_namespace.hpp"

#include <doctest/doctest.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

using namespace vpn;
using system::NetlinkEvent;
using system::NetlinkMonitor;
using test::Inside;
using test::NetNamespace;
using test::shell;
using Kind = NetlinkEvent::Kind;

namespace {

bool happened(const std::vector<NetlinkEvent>& events, Kind kind, unsigned interface) {
    return std::ranges::any_of(events,
                               [=](const NetlinkEvent& event) { return event.kind == kind && event.interface == interface; });
}

} // namespace

TEST_CASE("interfaces, addresses and routes are heard of as they change") {
    const NetNamespace net;
    const Inside inside(net);
    CHECK(shell("ip link add near0 type veth peer name far0; ip link set near0 addrgenmode none; ip link set far0 addrgenmode "
                "none") == "");
    const unsigned near = ::if_nametoindex("near0");
    auto monitor = NetlinkMonitor::open().value();
    CHECK(monitor.read().empty());
    pollfd watched{monitor.fd(), POLLIN, 0};
    CHECK(::poll(&watched, 1, 0) == 0);

    CHECK(shell("ip link set far0 up; ip link set near0 up") == "");
    test::wait_until_running("near0");
    test::wait_until_running("far0");
    CHECK(::poll(&watched, 1, 0) == 1);
    const auto up = monitor.read();
    CHECK(std::ranges::any_of(up, [=](const NetlinkEvent& event) {
        return event == NetlinkEvent{Kind::link_changed, near, true, true};
    }));

    CHECK(shell("ip address add 10.0.0.1/24 dev near0; ip address add fd01::1/64 dev near0 nodad") == "");
    test::wait_until_local("fd01::1");
    const auto added = monitor.read();
    CHECK(happened(added, Kind::address_added, near));
    CHECK(happened(added, Kind::route_added, near));
    CHECK(shell("ip route add default via 10.0.0.2; ip route del default") == "");
    CHECK(happened(monitor.read(), Kind::route_removed, near));
    CHECK(shell("ip address del 10.0.0.1/24 dev near0") == "");
    CHECK(happened(monitor.read(), Kind::address_removed, near));
    CHECK(shell("ip link set near0 down") == "");
    CHECK(std::ranges::any_of(monitor.read(), [=](const NetlinkEvent& event) {
        return event == NetlinkEvent{Kind::link_changed, near, false, false};
    }));
    CHECK(shell("ip link del near0") == "");
    CHECK(happened(monitor.read(), Kind::link_removed, near));
}

TEST_CASE("when more happens than the kernel keeps, that is said") {
    const NetNamespace net;
    const Inside inside(net);
    auto monitor = NetlinkMonitor::open().value();
    const int smallest = 1;
    REQUIRE(::setsockopt(monitor.fd(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest) == 0);
    CHECK(shell("for i in 1 2 3 4 5 6 7 8 9; do ip route add 192.0.2.$i dev lo; ip route del 192.0.2.$i; done") == "");
    CHECK(happened(monitor.read(), Kind::lost, 0));
    CHECK(shell("ip route add 192.0.2.0/24 dev lo") == "");
    CHECK(happened(monitor.read(), Kind::route_added, 1));
}
