// The issue: works beside Docker, ufw and firewalld. Rules that real nft took and listed, in a network of their own.
#include "vpn-server/exception_plan.hpp"

#include "tests/support/net_namespace.hpp"
#include "tests/vpn-server/samples.hpp"
#include "vpn-server/firewall_exceptions.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace vpn::server {
namespace {

using samples::holds;
using samples::prefixes;
using test::shell;

const Uplinks uplinks{"eth0", "eth0"};

/// As dockerd makes them.
constexpr const char* docker = R"(table ip filter {
    chain DOCKER { iifname != "docker0" oifname "docker0" drop; }
    chain DOCKER-USER { counter return; }
    chain FORWARD {
        type filter hook forward priority filter; policy drop;
        counter jump DOCKER-USER
        oifname "docker0" ct state related,established counter accept
        oifname "docker0" counter jump DOCKER
        iifname "docker0" oifname != "docker0" counter accept
    }
})";

constexpr const char* ufw = R"(table ip filter {
    chain ufw-user-forward { }
    chain ufw-before-forward { ct state related,established accept; counter jump ufw-user-forward; }
    chain ufw-user-input { tcp dport 22 counter accept; }
    chain ufw-not-local { fib daddr type local counter return; limit rate 3/minute counter; counter drop; }
    chain ufw-before-input {
        iifname "lo" accept
        ct state related,established accept
        counter jump ufw-not-local
        counter jump ufw-user-input
    }
    chain INPUT { type filter hook input priority filter; policy drop; counter jump ufw-before-input; }
    chain FORWARD { type filter hook forward priority filter; policy drop; counter jump ufw-before-forward; }
})";

/// What a server sees of a machine with these rules.
class Machine {
  public:
    explicit Machine(const std::string& rules) : nftables_(system::Nftables::open().value()) {
        const auto applied = nftables_.apply(rules);
        REQUIRE_MESSAGE(applied.has_value(), applied.error().message);
    }
    std::vector<ForeignTable> tables() {
        auto tables = look_at_tables(nftables_, "vpn-server-vpns");
        REQUIRE_MESSAGE(tables.has_value(), tables.error().message);
        return std::move(*tables);
    }
    std::vector<Exception> exceptions(const config::ServerConfig& config) { return plan_exceptions(config, uplinks, tables()); }
    std::vector<Obstacle> obstacles(const config::ServerConfig& config) { return find_obstacles(config, uplinks, tables()); }
    std::string listed() { return nftables_.list("list ruleset").value(); }

  private:
    test::NetNamespace network_;
    test::Inside inside_{network_};
    system::Nftables nftables_;
};

Obstacle only(const std::vector<Obstacle>& obstacles) {
    REQUIRE(obstacles.size() == 1);
    return obstacles.front();
}

} // namespace

TEST_CASE("a machine without other firewalls has no obstacles and gets no exceptions") {
    Machine machine("table inet owners { chain input { type filter hook input priority 10; tcp dport 9 drop; }; }");
    CHECK(machine.exceptions(samples::config()).empty());
    CHECK(machine.obstacles(samples::config()).empty());
}

TEST_CASE("Docker's exception stands in DOCKER-USER, before its return, and goes without a trace") {
    Machine machine(docker);
    config::ServerConfig config = samples::config();
    const std::string before = machine.listed();
    {
        FirewallExceptions exceptions("vpns");
        exceptions.follow(config, uplinks);
        CHECK(exceptions.seen() == OtherFirewalls{{"ip filter DOCKER-USER"}, {}, {}});
        const std::string rules = machine.listed();
        const std::string mark = " counter packets 0 bytes 0 accept comment \"vpn-server-vpns\"\n";
        CHECK(holds(rules, "iifname \"vpns\" oifname \"eth0\"" + mark));
        CHECK(holds(rules, "iifname \"eth0\" oifname \"vpns\" ip daddr 10.66.0.0/24" + mark));
        CHECK(rules.find("vpn-server-vpns") < rules.find("return"));
        CHECK_FALSE(holds(rules, "iifname \"vpns\" oifname \"vpns\""));

        exceptions.follow(config, uplinks);
        CHECK(machine.listed() == rules);
        config.isolate_peers = false;
        exceptions.follow(config, {"eth7", ""});
        CHECK(holds(machine.listed(), "iifname \"vpns\" oifname \"vpns\"" + mark));
        CHECK(holds(machine.listed(), "oifname \"eth7\""));
        CHECK_FALSE(holds(machine.listed(), "eth0\"" + mark));
    }
    CHECK(machine.listed() == before);
}

TEST_CASE("an exception that somebody flushed is made again, and one that a crash left is taken over") {
    Machine machine(docker);
    const std::string before = machine.listed();
    {
        FirewallExceptions exceptions("vpns");
        exceptions.follow(samples::config(), uplinks);
        const std::string rules = machine.listed();
        shell("nft flush chain ip filter DOCKER-USER; nft add rule ip filter DOCKER-USER counter return");
        exceptions.follow(samples::config(), uplinks);
        CHECK(machine.listed() == rules);
        FirewallExceptions next("vpns");
        next.follow(samples::config(), uplinks);
        CHECK(machine.listed() == rules);
        FirewallExceptions other("vpn2"); // leaves the first one's alone
        CHECK(machine.listed() == rules);
    }
    CHECK(machine.listed() == before);
}

TEST_CASE("where exceptions are not wanted, Docker's obstacle comes with the command, and what a crash left goes") {
    Machine machine(docker);
    config::ServerConfig config = samples::config();
    FirewallExceptions exceptions("vpns");
    exceptions.follow(config, uplinks);
    config.firewall_exceptions = false;
    exceptions.follow(config, uplinks);
    CHECK(exceptions.seen().exceptions.empty());
    CHECK_FALSE(holds(machine.listed(), "vpn-server-vpns"));
    CHECK(only(exceptions.seen().obstacles) ==
          Obstacle{"docker", "ip filter FORWARD", "from peers to eth0",
                   "iptables -I DOCKER-USER -i vpns -o eth0 -j ACCEPT && iptables -I DOCKER-USER -i eth0 -o vpns -m conntrack "
                   "--ctstate ESTABLISHED,RELATED -j ACCEPT"});
}

TEST_CASE("ufw gets an exception for what is forwarded, and its owner the command for the server's own ports") {
    Machine machine(ufw);
    config::ServerConfig config = samples::config();
    config.host_services = {*config::HostService::parse("53/udp"), *config::HostService::parse("22/tcp")};
    FirewallExceptions exceptions("vpns");
    exceptions.follow(config, uplinks);
    CHECK(exceptions.seen().exceptions == std::vector<std::string>{"ip filter ufw-user-forward"});
    const std::vector<Obstacle> obstacles = exceptions.seen().obstacles;
    REQUIRE(obstacles.size() == 2);
    CHECK(obstacles[0] == Obstacle{"ufw", "ip filter INPUT", "51820/udp", "ufw allow 51820/udp"});
    CHECK(obstacles[1] ==
          Obstacle{"ufw", "ip filter INPUT", "53/udp from peers", "ufw allow in on vpns to any port 53 proto udp"});
    shell("nft add rule ip filter ufw-user-input udp dport 51820 accept");
    shell("nft add rule ip filter ufw-user-input 'iifname vpns udp dport { 53, 5353 } accept'");
    exceptions.follow(config, uplinks);
    CHECK(exceptions.seen().obstacles.empty());
}

TEST_CASE("a way that its owner opened already, in whatever words, needs no exception") {
    std::string way;
    SUBCASE("by interface") { way = R"(iifname "vpns" accept)"; }
    SUBCASE("by a name that begins so") { way = R"(iifname "vpn*" oifname "eth0" counter accept)"; }
    SUBCASE("by a list of interfaces") { way = R"(iifname { "docker0", "vpns" } accept)"; }
    SUBCASE("by what it is not") { way = R"(iifname != "eth0" accept)"; }
    SUBCASE("by the peers' network") { way = "ip saddr 10.66.0.0/16 accept"; }
    SUBCASE("by all new connections") { way = "ct state new,established accept"; }
    SUBCASE("by a map") { way = R"(iifname vmap { "vpns" : accept, "eth0" : drop })"; }
    SUBCASE("with a line in the log") { way = R"(log prefix "vpn" iifname "vpns" accept)"; }
    Machine machine(std::string(docker) + "\ninsert rule ip filter DOCKER-USER " + way);
    CHECK(machine.exceptions(samples::config()).empty());
    CHECK(machine.obstacles(samples::config()).empty());
}

TEST_CASE("a way that is open to some packets alone, or nobody can say to which, is none") {
    std::string way;
    SUBCASE("another interface") { way = R"(iifname "vpn2" accept)"; }
    SUBCASE("another way out") { way = R"(iifname "vpns" oifname "eth1" accept)"; }
    SUBCASE("one peer") { way = "ip saddr 10.66.0.2 accept"; }
    SUBCASE("one port") { way = "tcp dport 443 accept"; }
    SUBCASE("answers") { way = "ct state established,related accept"; }
    SUBCASE("a rate") { way = R"(iifname "vpns" limit rate 10/second accept)"; }
    SUBCASE("a chain that returns") { way = R"(iifname "vpns" return)"; }
    SUBCASE("a map without it") { way = R"(iifname vmap { "lo" : accept })"; }
    Machine machine(std::string(docker) + "\ninsert rule ip filter DOCKER-USER " + way);
    CHECK(machine.exceptions(samples::config()).size() == 1);
    CHECK(machine.obstacles(samples::config()).size() == 1);
}

TEST_CASE("what the owner's own rules drop for certain stays dropped, and is told") {
    Machine machine(std::string(docker) + "\ninsert rule ip filter DOCKER-USER iifname \"vpns\" drop");
    FirewallExceptions exceptions("vpns");
    exceptions.follow(samples::config(), uplinks);
    CHECK(only(exceptions.seen().obstacles).firewall == "docker");
}

TEST_CASE("firewalld's owner gets its commands, for both families at once") {
    Machine machine(R"(table inet firewalld {
        chain filter_FWD_dmz { oifname "eth0" accept; reject with icmpx admin-prohibited; }
        chain filter_FWD_public { reject with icmpx admin-prohibited; }
        chain filter_FORWARD_ZONES { iifname "eth0" goto filter_FWD_dmz; goto filter_FWD_public; }
        chain filter_IN_policy_allow-host-ipv6 { icmpv6 type nd-redirect accept; }
        chain filter_IN_dmz_pre { }
        chain filter_IN_dmz { jump filter_IN_policy_allow-host-ipv6; jump filter_IN_dmz_pre; tcp dport 22 accept; reject with icmpx admin-prohibited; }
        chain filter_INPUT_ZONES { iifname "eth0" goto filter_IN_dmz; }
        chain filter_INPUT {
            type filter hook input priority filter + 10; policy accept;
            ct state { established, related } accept
            iifname "lo" accept
            ct state invalid drop
            jump filter_INPUT_ZONES
            reject with icmpx admin-prohibited
        }
        chain filter_FORWARD {
            type filter hook forward priority filter + 10; policy accept;
            ct state { established, related } accept
            ct status dnat accept
            iifname "lo" accept
            ct state invalid drop
            ip6 daddr { ::/96, 2002::/24 } reject with icmpv6 addr-unreachable
            jump filter_FORWARD_ZONES
            reject with icmpx admin-prohibited
        }
    })");
    CHECK(machine.exceptions(samples::config()).empty());
    const auto obstacles = machine.obstacles(samples::config());
    REQUIRE(obstacles.size() == 2);
    CHECK(obstacles[0] == Obstacle{"firewalld", "inet firewalld filter_FORWARD", "from peers to eth0",
                                   "firewall-cmd --permanent --zone=trusted --add-interface=vpns && firewall-cmd --reload"});
    CHECK(obstacles[1] == Obstacle{"firewalld", "inet firewalld filter_INPUT", "51820/udp",
                                   "firewall-cmd --permanent --zone=dmz --add-port=51820/udp && firewall-cmd --reload"});
}

TEST_CASE("for rules by hand there is nft's command, and it opens the way") {
    Machine machine(R"(table inet filter {
        chain input { type filter hook input priority filter; policy drop; ct state vmap { established : accept, related : accept, invalid : drop }; tcp dport { 22, 80-443 } accept; }
        chain forward { type filter hook forward priority filter; policy drop; }
    })");
    const auto obstacles = machine.obstacles(samples::config());
    REQUIRE(obstacles.size() == 2);
    CHECK(
        obstacles[0].command ==
        "nft 'insert rule inet filter forward iifname \"vpns\" oifname \"eth0\" accept' && nft 'insert rule inet filter forward "
        "iifname \"eth0\" oifname \"vpns\" ct state established,related accept'");
    CHECK(obstacles[1].traffic == "51820/udp");
    for (const Obstacle& obstacle : obstacles) CHECK(shell(obstacle.command) == "");
    CHECK(machine.obstacles(samples::config()).empty());
}

TEST_CASE("each of iptables's two tables has its own exception, and a family that the tunnel doesn't carry none") {
    std::string both = docker;
    both += "\n" + both;
    both.replace(both.rfind("table ip filter"), 15, "table ip6 filter");
    Machine machine(both);
    config::ServerConfig config = samples::config();
    const auto exceptions = machine.exceptions(config);
    REQUIRE(exceptions.size() == 2);
    CHECK(exceptions[1].place() == "ip6 filter DOCKER-USER");
    CHECK(exceptions[1].rules[1] == "iifname \"eth0\" oifname \"vpns\" ip6 daddr fd66::/64");
    config.networks = prefixes({"10.66.0.0/24"});
    CHECK(machine.exceptions(config).size() == 1);
    CHECK(machine.obstacles(config).size() == 1);
}

TEST_CASE("a text that is not nft's is an error, not a machine without firewalls") {
    for (const char* text : {"", "{}", "[]", "nonsense", R"({"nftables": 1})"}) {
        CHECK_FALSE(filtering_tables(text));
        CHECK_FALSE(ForeignTable::parse({"ip", "filter"}, text));
    }
    CHECK(filtering_tables(R"({"nftables": [{"chain": {"type": "filter", "hook": "input", "family": "ip", "table": "a; b"}}]})")
              .value()
              .empty());
}

} // namespace vpn::server
