// THREATS: blind hijack, port shadow, spoofed inner source, peer to peer, the server's own services. EXPERIENCE: nat,
// host_services.
#include "vpn-server/ruleset.hpp"

#include "common/system/nftables.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace vpn::server {
namespace {

using samples::holds;
using samples::prefixes;

constexpr std::uint16_t mtu = 1420;
const Uplinks uplinks{"eth0", "eth1"};

/// The body of one chain; empty if there is none.
std::string chain(const std::string& rules, const std::string& name) {
    const std::size_t begin = rules.find("    chain " + name + " {\n");
    if (begin == std::string::npos) return {};
    return rules.substr(begin, rules.find("    }\n", begin) - begin);
}

std::string rules_of(const config::ServerConfig& config) { return ruleset(config, uplinks, mtu); }

/// nft takes the text, twice over, in a network of its own. What it lists then.
std::string listed(const std::string& rules) {
    const test::NetNamespace somewhere;
    const test::Inside inside(somewhere);
    auto nftables = system::Nftables::open();
    REQUIRE(nftables);
    for (int i = 0; i < 2; ++i) {
        const auto applied = nftables->apply(rules);
        REQUIRE_MESSAGE(applied.has_value(), applied.error().message);
    }
    return nftables->list("list ruleset").value();
}

} // namespace

TEST_CASE("peers' packets leave under the address of the interface that leads to the internet") {
    config::ServerConfig config = samples::config();
    SUBCASE("found for each family") {
        const std::string out = chain(rules_of(config), "postrouting");
        CHECK(holds(out, "oifname \"eth0\" ip saddr { 10.66.0.0/24 } masquerade"));
        CHECK(holds(out, "oifname \"eth1\" ip6 saddr { fd66::/64 } masquerade"));
    }
    SUBCASE("or by any but the tunnel, where no default route is known") {
        const std::string out = chain(ruleset(config, {}, mtu), "postrouting");
        CHECK(holds(out, "oifname != { \"vpns\", \"lo\" } ip saddr { 10.66.0.0/24 } masquerade"));
        CHECK(holds(out, "oifname != { \"vpns\", \"lo\" } ip6 saddr { fd66::/64 } masquerade"));
    }
    SUBCASE("or the one that is named") {
        config.nat = {config::Nat::Mode::interface, "ppp0"};
        const std::string out = chain(rules_of(config), "postrouting");
        CHECK(holds(out, "oifname \"ppp0\" ip saddr"));
        CHECK(holds(out, "oifname \"ppp0\" ip6 saddr"));
        CHECK_FALSE(holds(out, "eth0"));
    }
    SUBCASE("or not at all") {
        config.nat = {config::Nat::Mode::off, {}};
        CHECK(chain(rules_of(config), "postrouting").empty());
        CHECK_FALSE(holds(rules_of(config), "masquerade"));
    }
}

TEST_CASE("ports behind the masquerade can't be foreseen, and by UDP none is the server's own") {
    config::ServerConfig config = samples::config();
    std::string ports;
    SUBCASE("the widest side of it") { ports = "1024-51819"; }
    SUBCASE("above") {
        config.interface.listen_port = Port{4500};
        ports = "4501-65535";
    }
    SUBCASE("any that is not reserved, if it is itself") {
        config.interface.listen_port = Port{443};
        ports = "1024-65535";
    }
    SUBCASE("the first") {
        config.interface.listen_port = Port{1024};
        ports = "1025-65535";
    }
    SUBCASE("the last") {
        config.interface.listen_port = Port{65535};
        ports = "1024-65534";
    }
    const std::string out = chain(rules_of(config), "postrouting");
    const auto count = [&](std::string_view word) {
        std::size_t found = 0;
        for (std::size_t at = out.find(word); at != std::string::npos; at = out.find(word, at + 1)) ++found;
        return found;
    };
    CHECK(count("masquerade") == 4);
    CHECK(count("} masquerade fully-random\n") == 2);
    CHECK(count("meta l4proto udp masquerade to :" + ports + " fully-random\n") == 2);
    CHECK(out.find("udp") < out.find("} masquerade"));
    CHECK(holds(listed(rules_of(config)), "masquerade to :" + ports + " fully-random"));
}

TEST_CASE("the server's own datagrams are not tracked, and nobody else's to the same port") {
    const std::string rules = rules_of(samples::config());
    CHECK(holds(chain(rules, "prerouting"), "iifname != \"vpns\" udp dport 51820 fib daddr type local notrack"));
    CHECK(holds(chain(rules, "output"), "hook output priority raw"));
    CHECK(holds(chain(rules, "output"), "udp sport 51820 notrack"));
}

TEST_CASE("a global IPv6 network is routed, not hidden, and stays shut to who was not called") {
    config::ServerConfig config = samples::config();
    config.networks = prefixes({"10.66.0.0/24", "2001:db8:77::/64"});
    CHECK_FALSE(holds(chain(rules_of(config), "postrouting"), "ip6"));
    CHECK(holds(chain(rules_of(config), "postrouting"), "ip saddr { 10.66.0.0/24 } masquerade"));
    CHECK(holds(chain(rules_of(config), "forward"), "ip6 daddr { 2001:db8:77::/64 } ct state { new, invalid } drop"));
    SUBCASE("unless an interface is named, whose address everybody takes") {
        config.nat = {config::Nat::Mode::interface, "eth0"};
        CHECK(holds(chain(rules_of(config), "postrouting"), "ip6 saddr { 2001:db8:77::/64 } masquerade"));
    }
    SUBCASE("and is open without nat") {
        config.nat = {config::Nat::Mode::off, {}};
        CHECK_FALSE(holds(chain(rules_of(config), "forward"), "2001:db8:77::"));
    }
}

TEST_CASE("a peer's connections are counted, in and through the server, and those that are too many dropped and counted") {
    config::ServerConfig config = samples::config();
    config.peers[1].allowed_ips.clear();
    const std::string rules = rules_of(config);
    CHECK(holds(chain(rules, "forward"), "iifname \"vpns\" ct state new jump cap"));
    CHECK(holds(chain(rules, "input"), "iifname \"vpns\" ct state new jump cap"));
    CHECK(holds(chain(rules, "each"), "add @connections4 { ip saddr ct count over 4096 } goto each-full"));
    CHECK(holds(chain(rules, "each"), "add @connections6 { ip6 saddr ct count over 4096 } goto each-full"));
    CHECK(holds(chain(rules, "too-many"), "update @over4 { ip saddr counter }"));
    CHECK(holds(chain(rules, "too-many"), "update @over6 { ip6 saddr counter }"));
    CHECK(holds(chain(rules, "too-many"), "drop"));
    CHECK(chain(rules, "cap") == "    chain cap {\n        goto each\n");
    CHECK(holds(listed(rules), "ct count over 4096"));
    SUBCASE("who had too many is not counted again for a second, and gets none") {
        CHECK(holds(chain(rules, "each-full"), "add @barred4 { ip saddr timeout 1s }"));
        CHECK(holds(chain(rules, "each-full"), "add @barred6 { ip6 saddr timeout 1s }"));
        CHECK(holds(chain(rules, "each-full"), "goto too-many"));
        CHECK(chain(rules, "each").find("ip saddr @barred4 goto too-many") < chain(rules, "each").find("ip saddr ct count"));
        CHECK(holds(chain(rules, "each"), "ip6 saddr @barred6 goto too-many"));
    }
    SUBCASE("as many as the file says") {
        config.max_connections = 7;
        CHECK(holds(rules_of(config), "ct count over 7 }"));
    }
    SUBCASE("or any number") {
        config.max_connections = 0;
        for (const char* word : {"ct count", "jump cap", "dynamic", "too-many"}) CHECK_FALSE(holds(rules_of(config), word));
    }
}

TEST_CASE("what lies behind one peer has together what an address has") {
    config::ServerConfig config = samples::config();
    config.peers[1].allowed_ips = prefixes({"192.168.7.0/24", "fd77::/64"});
    config.peers.push_back(samples::peer("other", 4, {"10.66.0.4/32"}, {"192.168.8.0/24"}));
    const auto cap = [&] { return chain(rules_of(config), "cap"); };
    CHECK(holds(cap(), "ip saddr vmap { 192.168.7.0/24 : goto behind-1, 192.168.8.0/24 : goto behind-2 }"));
    CHECK(holds(cap(), "ip6 saddr vmap { fd77::/64 : goto behind-1 }"));
    CHECK(holds(chain(rules_of(config), "behind-1"), "ct count over 4096 goto behind-1-full"));
    CHECK(holds(chain(rules_of(config), "behind-1"), "meta nfproto @behind-1-barred goto too-many"));
    CHECK(holds(chain(rules_of(config), "behind-1-full"), "add @behind-1-barred { meta nfproto timeout 1s }"));
    CHECK(holds(chain(rules_of(config), "behind-1-full"), "goto too-many"));
    CHECK(cap().ends_with("goto each\n"));
    SUBCASE("the narrowest network counts where they lie in one another, and a peer's own address before all") {
        config.peers[1].allowed_ips = prefixes({"0.0.0.0/0", "192.168.0.0/16"});
        config.peers[2].addresses = prefixes({"10.66.0.4/32", "fd66::4/128"});
        CHECK(holds(cap(), "ip saddr { 10.66.0.2/32, 10.66.0.3/32, 10.66.0.4/32 } goto each"));
        CHECK(cap().find("ip saddr 192.168.8.0/24 goto behind-2") < cap().find("ip saddr 192.168.0.0/16 goto behind-1"));
        CHECK(cap().find("ip saddr 192.168.0.0/16 goto behind-1") < cap().find("meta nfproto ipv4 goto behind-1"));
        CHECK_FALSE(holds(cap(), "vmap"));
    }
    SUBCASE("a disabled peer has nothing") {
        config.peers[2].disabled = true;
        CHECK_FALSE(holds(rules_of(config), "behind-2"));
    }
    CHECK(holds(listed(rules_of(config)), "goto behind-1"));
}

TEST_CASE("the MSS fits the tunnel, both ways and in both families") {
    const std::string clamp = chain(rules_of(samples::config()), "clamp");
    for (const char* way : {"iifname \"vpns\"", "oifname \"vpns\""}) {
        CHECK(
            holds(clamp, std::string(way) + " meta nfproto ipv4 tcp flags & (syn | rst) == syn tcp option maxseg size set 1380"));
        CHECK(
            holds(clamp, std::string(way) + " meta nfproto ipv6 tcp flags & (syn | rst) == syn tcp option maxseg size set 1360"));
    }
}

TEST_CASE("peers reach each other only where that is wanted") {
    config::ServerConfig config = samples::config();
    const std::string isolation = "iifname \"vpns\" oifname \"vpns\" reject with icmpx type admin-prohibited";
    CHECK(holds(chain(rules_of(config), "forward"), isolation));
    config.isolate_peers = false;
    CHECK_FALSE(holds(rules_of(config), isolation));
}

TEST_CASE("of the server itself peers reach ping and what is allowed by name, nothing else") {
    config::ServerConfig config = samples::config();
    const std::string refusal = "iifname \"vpns\" reject with icmpx type admin-prohibited";
    SUBCASE("nothing by default") {
        const std::string input = chain(rules_of(config), "input");
        CHECK(holds(input, "iifname \"vpns\" ct state { established, related } accept"));
        CHECK(holds(input, "iifname \"vpns\" icmp type echo-request accept"));
        CHECK(holds(input, "iifname \"vpns\" icmpv6 type echo-request accept"));
        CHECK_FALSE(holds(input, "dport"));
        CHECK(input.find(refusal) > input.rfind("accept"));
    }
    SUBCASE("services") {
        config.host_services = {*config::HostService::parse("53/udp"), *config::HostService::parse("22/tcp")};
        const std::string input = chain(rules_of(config), "input");
        CHECK(holds(input, "iifname \"vpns\" udp dport 53 accept"));
        CHECK(holds(input, "iifname \"vpns\" tcp dport 22 accept"));
        CHECK(input.find(refusal) > input.rfind("accept"));
    }
    SUBCASE("everything") {
        config.host_services = {*config::HostService::parse("*")};
        CHECK(holds(chain(rules_of(config), "input"), "iifname \"vpns\" accept"));
    }
}

TEST_CASE("whoever knocks at a tunnel address from outside is not answered") {
    const std::string first = chain(rules_of(samples::config()), "prerouting");
    CHECK(holds(first, "iifname != { \"vpns\", \"lo\" } ip daddr { 10.66.0.1/32 } drop"));
    CHECK(holds(first, "iifname != { \"vpns\", \"lo\" } ip6 daddr { fd66::1/128 } drop"));
    CHECK(holds(first, "hook prerouting priority raw"));
}

TEST_CASE("behind the masquerade only answers come in") {
    config::ServerConfig config = samples::config();
    const std::string closed = "iifname != \"vpns\" oifname \"vpns\" ip daddr { 10.66.0.0/24 } ct state { new, invalid } drop";
    CHECK(holds(chain(rules_of(config), "forward"), closed));
    config.nat = {config::Nat::Mode::off, {}};
    CHECK_FALSE(holds(rules_of(config), "ct state { new, invalid } drop"));
}

TEST_CASE("no packet leaves the tunnel under a source that no peer has") {
    config::ServerConfig config = samples::config();
    const auto first = [&] { return chain(rules_of(config), "prerouting"); };
    CHECK(holds(first(), "iifname \"vpns\" ip saddr != { 10.66.0.0/24, 192.168.7.0/24 } drop"));
    CHECK(holds(first(), "iifname \"vpns\" ip6 saddr != { fd66::/64 } drop"));
    SUBCASE("a disabled peer's networks are nobody's") {
        config.peers[1].disabled = true;
        CHECK(holds(first(), "iifname \"vpns\" ip saddr != { 10.66.0.0/24 } drop"));
    }
    SUBCASE("a peer that stands for everything may say anything") {
        config.peers[1].allowed_ips = prefixes({"0.0.0.0/0"});
        CHECK_FALSE(holds(first(), "iifname \"vpns\" ip saddr"));
        CHECK(holds(first(), "iifname \"vpns\" ip6 saddr"));
    }
    SUBCASE("a family that the tunnel doesn't carry is not believed at all") {
        config.networks = prefixes({"10.66.0.0/24"});
        CHECK(holds(first(), "iifname \"vpns\" meta nfproto ipv6 drop"));
    }
}

TEST_CASE("networks that lie in one another are named once: nft refuses overlaps") {
    config::ServerConfig config = samples::config();
    config.peers[1].allowed_ips = prefixes({"192.168.0.0/16", "192.168.7.0/24", "10.66.0.128/25", "fd66:0:0:1::/64"});
    CHECK(holds(rules_of(config), "ip saddr != { 10.66.0.0/24, 192.168.0.0/16 } drop"));
    CHECK(holds(listed(rules_of(config)), "192.168.0.0/16"));
}

TEST_CASE("nft takes every kind of ruleset, and again over itself, and other tables stay") {
    config::ServerConfig config = samples::config();
    SUBCASE("as init makes it") {}
    SUBCASE("without masquerade") { config.nat = {config::Nat::Mode::off, {}}; }
    SUBCASE("with services") {
        config.host_services = {*config::HostService::parse("53/udp"), *config::HostService::parse("22/tcp"),
                                *config::HostService::parse("*")};
    }
    SUBCASE("IPv4 alone") {
        config.networks = prefixes({"10.66.0.0/24"});
        config.interface.addresses = prefixes({"10.66.0.1/24"});
    }
    SUBCASE("an odd interface") { config.interface.name = "a_b=c+d.e-f"; }
    SUBCASE("an interface that is a word of nft's") { config.interface.name = "table"; }
    const std::string rules = listed(rules_of(config));
    CHECK(holds(rules, "table inet " + table_name(config.interface.name) + " {"));
    CHECK(holds(listed("table inet somebody { }\n" + rules_of(config)), "table inet somebody {"));
    CHECK(std::count(rules.begin(), rules.end(), '{') > 5);
}

TEST_CASE("the tables of two interfaces have two names") {
    CHECK(table_name("vpns") == "vpn-server-vpns");
    const char* const names[] = {"a_e", "a=", "a+", "a_p", "a__", "a_", "a.", "a-", "a"};
    for (const char* one : names)
        for (const char* other : names)
            if (one != other) CHECK(table_name(one) != table_name(other));
}

} // namespace vpn::server
