// The kernel's side of the server, in a network of its own. THREATS: "kill -9 at any moment"; the issue: everything is put back.
#include "vpn-server/live_network.hpp"

#include "common/system/files.hpp"
#include "common/system/sysctl.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/system/scratch.hpp"
#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

using samples::holds;
using test::shell;

std::string sysctl(const std::string& path) { return system::read_sysctl(path).value(); }

/// A machine with a way out, and an interface that will be the tunnel's.
class Machine {
  public:
    Machine() {
        // A link comes up on the kernel's own time, and an address of its own would come later still: neither may come between
        // two looks.
        shell("ip link add eth0 type veth peer name far && ip link add vpns type veth peer name other &&"
              "for link in eth0 far; do ip link set $link addrgenmode none && ip link set $link up || exit 1; done;"
              "ip addr add 198.51.100.10/24 dev eth0 && ip route add default via 198.51.100.1");
        test::wait_until("[ $(ip -br link show up | grep -c ' UP ') = 2 ]");
        before = state();
    }
    static std::string state() {
        return shell("ip -br addr; ip route; ip -6 route; nft list ruleset; grep -H '' /proc/sys/net/ipv*/conf/*/forwarding "
                     "/proc/sys/net/ipv6/conf/*/accept_ra /proc/sys/net/ipv4/conf/*/accept_redirects | grep -v /vpns/");
    }
    static std::uint32_t index() {
        auto netlink = system::Netlink::open();
        return system::find_link(*netlink, "vpns").value().index;
    }

  private:
    test::NetNamespace network_;
    test::Inside inside_{network_};

  public:
    std::string before;
};

} // namespace

TEST_CASE("the kernel forwards while it lives, and is then what it was") {
    const test::Scratch scratch;
    const Machine machine;
    const std::string restore = scratch.file("restore.json");
    {
        const auto forwarding = Forwarding::enable("vpns", true, restore);
        REQUIRE_MESSAGE(forwarding.has_value(), forwarding.error().message);
        CHECK(sysctl("net/ipv4/ip_forward") == "1");
        CHECK(sysctl("net/ipv6/conf/all/forwarding") == "1");
        CHECK(sysctl("net/ipv6/conf/eth0/accept_ra") == "2");
        CHECK(system::read_private_file(restore));
    }
    CHECK(Machine::state() == machine.before);
    CHECK_FALSE(system::read_private_file(restore));
}

TEST_CASE("what a killed daemon left is put back by the next") {
    const test::Scratch scratch;
    const Machine machine;
    const std::string restore = scratch.file("restore.json");
    std::string noted;
    {
        const auto killed = Forwarding::enable("vpns", true, restore);
        noted = system::read_private_file(restore).value();
    }
    for (const Setting& left : {Setting{"net/ipv6/conf/eth0/accept_ra", "2"}, Setting{"net/ipv6/conf/all/forwarding", "1"},
                                Setting{"net/ipv4/ip_forward", "1"}})
        REQUIRE(system::write_sysctl(left.path, left.value));
    REQUIRE(system::write_private_file(restore, noted));
    {
        const auto next = Forwarding::enable("vpns", true, restore);
        REQUIRE(next);
        CHECK(sysctl("net/ipv4/ip_forward") == "1");
    }
    CHECK(Machine::state() == machine.before);
}

TEST_CASE("a note that can't be used stops the start, and says which file it is") {
    const test::Scratch scratch;
    const Machine machine;
    REQUIRE(system::write_private_file(scratch.file("restore.json"), "nonsense"));
    const auto refused = Forwarding::enable("vpns", true, scratch.file("restore.json"));
    REQUIRE_FALSE(refused);
    CHECK(holds(refused.error().message, scratch.file("restore.json")));
    CHECK(Machine::state() == machine.before);
}

TEST_CASE("the firewall goes with its object, and rules that nft refuses leave the old ones") {
    const Machine machine;
    const config::ServerConfig config = samples::config();
    {
        auto firewall = Firewall::put_up("vpns", ruleset(config, {"eth0", ""}, 1420));
        REQUIRE(firewall);
        const std::string stands = shell("nft list ruleset");
        CHECK(holds(stands, "masquerade"));
        CHECK_FALSE(firewall->replace("add rule inet nothing nothing drop"));
        CHECK(shell("nft list ruleset") == stands);
        CHECK(firewall->rules() == ruleset(config, {"eth0", ""}, 1420));
        REQUIRE(firewall->replace(ruleset(config, {"far", ""}, 1420)));
        CHECK(holds(shell("nft list ruleset"), "oifname \"far\""));
    }
    CHECK(Machine::state() == machine.before);
}

TEST_CASE("the interface gets its addresses and routes, and later only what differs") {
    const Machine machine;
    auto netlink = system::Netlink::open();
    REQUIRE(netlink);
    const config::ServerConfig config = samples::config();
    auto interface = TunnelInterface::set_up(*netlink, Machine::index(), "vpns", 1400, layout_of(config));
    REQUIRE_MESSAGE(interface.has_value(), interface.error().message);
    const std::string link = shell("ip link show vpns");
    CHECK(holds(link, "mtu 1400"));
    CHECK(holds(link, "qlen 256"));
    CHECK(holds(link, ",UP"));
    CHECK(holds(shell("ip -br addr show vpns"), "10.66.0.1/24 fd66::1/64"));
    CHECK_FALSE(holds(shell("ip -br addr show vpns"), "fe80"));
    CHECK(holds(shell("ip route"), "192.168.7.0/24 dev vpns"));

    Layout wanted = layout_of(config);
    wanted.addresses = samples::prefixes({"10.66.0.1/24", "10.77.0.1/24"});
    wanted.routes = samples::prefixes({"192.168.8.0/24"});
    REQUIRE(interface->change(wanted));
    CHECK(holds(shell("ip -br addr show vpns"), "10.66.0.1/24 10.77.0.1/24"));
    CHECK_FALSE(holds(shell("ip -br addr show vpns"), "fd66"));
    CHECK(holds(shell("ip route"), "192.168.8.0/24 dev vpns"));
    CHECK_FALSE(holds(shell("ip route"), "192.168.7.0/24"));
}

TEST_CASE("a change that the kernel refuses half-way changes nothing") {
    const Machine machine;
    auto netlink = system::Netlink::open();
    REQUIRE(netlink);
    const Layout layout = layout_of(samples::config());
    auto interface = TunnelInterface::set_up(*netlink, Machine::index(), "vpns", 1420, layout);
    REQUIRE(interface);
    shell("ip route add 192.168.9.0/24 dev eth0");
    const std::string before = shell("ip addr; ip route");
    Layout wanted = layout;
    wanted.addresses.push_back(samples::prefix("10.77.0.1/24"));
    wanted.routes = samples::prefixes({"192.168.8.0/24", "192.168.9.0/24"});
    CHECK_FALSE(interface->change(wanted));
    CHECK(interface->layout() == layout);
    CHECK(shell("ip addr; ip route") == before);
}

} // namespace vpn::server
