#include "vpn-client/lock_rules.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

namespace {

LockFacts full_tunnel() {
    LockFacts facts = lock_facts(connection_taking({"0.0.0.0/0", "::/0"}), "laptop", {*Endpoint::parse("198.51.100.10:51820")});
    facts.dns = {address("9.9.9.9")};
    facts.local_networks = prefixes({"192.168.1.0/24"});
    return facts;
}

/// The rules of a chain.
std::string chain(const std::string& text, const std::string& name) {
    const auto from = text.find("chain " + name + " {");
    REQUIRE(from != std::string::npos);
    return text.substr(from, text.find("\t}", from) - from);
}

std::size_t at(const std::string& text, std::string_view what) {
    const auto found = text.find(what);
    CHECK_MESSAGE(found != std::string::npos, what);
    return found;
}

} // namespace

TEST_CASE("the lock of a full tunnel drops what no rule lets pass, sent or forwarded, of both families") {
    const std::string text = lock_commands(full_tunnel());
    for (const char* hook : {"output", "forward"}) {
        CHECK(chain(text, hook).find("policy drop") != std::string::npos);
        CHECK(chain(text, hook).find("oifname \"laptop\" accept") != std::string::npos);
    }
    CHECK(text.find("flush") == std::string::npos);
    CHECK(text.starts_with("add table inet vpn-lock-laptop\ndelete table inet vpn-lock-laptop\ntable inet vpn-lock-laptop {"));
}

TEST_CASE("outer packets pass by their mark, and to the endpoint and its port alone") {
    const std::string text = lock_commands(full_tunnel());
    at(text, "elements = { 198.51.100.10 . 51820 }");
    at(chain(text, "output"), "meta mark 7762030 ip daddr . udp dport @endpoints4 accept"); // 0x76706e
    CHECK(chain(text, "forward").find("7762030") == std::string::npos);
    CHECK(admit_only_commands("laptop", {*Endpoint::parse("[2001:db8::1]:443"), *Endpoint::parse("192.0.2.1:7")}) ==
          "flush set inet vpn-lock-laptop endpoints4\nflush set inet vpn-lock-laptop endpoints6\n"
          "add element inet vpn-lock-laptop endpoints6 { 2001:db8::1 . 443 }\n"
          "add element inet vpn-lock-laptop endpoints4 { 192.0.2.1 . 7 }\n");
}

TEST_CASE("port 53 goes to the tunnel's name servers, and is refused before local networks are let through") {
    for (const char* hook : {"output", "forward"}) {
        const std::string rules = chain(lock_commands(full_tunnel()), hook);
        const auto own = at(rules, "oifname \"laptop\" ip daddr { 9.9.9.9 } meta l4proto { tcp, udp } th dport 53 accept");
        const auto refused = at(rules, "\n\t\tmeta l4proto { tcp, udp } th dport 53 reject");
        CHECK(own < refused);
        CHECK(refused < at(rules, "\n\t\toifname \"laptop\" accept"));
        CHECK(refused < at(rules, "ip daddr { 192.168.1.0/24 } accept"));
    }
    LockFacts no_dns = full_tunnel();
    no_dns.dns.clear();
    at(lock_commands(no_dns), "oifname \"laptop\" meta l4proto { tcp, udp } th dport 53 accept");
}

TEST_CASE("without local networks named there is no exception for any") {
    LockFacts facts = full_tunnel();
    facts.local_networks.clear();
    CHECK(lock_commands(facts).find("192.168") == std::string::npos);
}

TEST_CASE("the lock of a split tunnel keeps in what belongs in it, and nothing else") {
    const LockFacts facts = lock_facts(connection_taking({"10.0.0.0/8", "fd00::/8"}), "laptop", {});
    const std::string text = lock_commands(facts);
    for (const char* hook : {"output", "forward"}) {
        const std::string rules = chain(text, hook);
        CHECK(rules.find("policy accept") != std::string::npos);
        CHECK(at(rules, "oifname { \"lo\", \"laptop\" } accept") < at(rules, "ip daddr @inside4 counter reject"));
        at(rules, "ip6 daddr @inside6 counter reject");
    }
    at(text, "elements = { 10.0.0.0/8 }");
}

TEST_CASE("a full tunnel that excludes a network is a full tunnel, and the network is as a local one") {
    const LockFacts facts = lock_facts(connection_taking({"0.0.0.0/0", "!192.168.0.0/16"}), "laptop", {});
    const std::string text = lock_commands(facts);
    CHECK(text.find("inside4") == std::string::npos);
    for (const char* hook : {"output", "forward"}) {
        const std::string rules = chain(text, hook);
        CHECK(rules.find("policy drop") != std::string::npos);
        CHECK(at(rules, "th dport 53 reject") < at(rules, "ip daddr { 192.168.0.0/16 } accept"));
    }
}

TEST_CASE("what one peer's list excludes and another peer takes is to be kept in") {
    config::ClientConfig config = connection_taking({"0.0.0.0/0", "!10.0.0.0/8"});
    config.peers.emplace_back().allowed_ips = prefixes({"10.0.0.0/9"});
    const std::string text = lock_commands(lock_facts(config, "laptop", {}));
    CHECK(text.find("ip daddr { 10.128.0.0/9 } accept") != std::string::npos);
    CHECK(text.find("10.0.0.0/") == std::string::npos);
}

TEST_CASE("a pause is taken back by the kernel, and a second one takes the place of the first") {
    const std::string text = pause_commands("laptop", 299500ms);
    CHECK(text == "flush set inet vpn-lock-laptop open\n"
                  "add element inet vpn-lock-laptop open { ipv4 timeout 300s, ipv6 timeout 300s }\n");
    CHECK(pause_commands("laptop", 0s) == "flush set inet vpn-lock-laptop open\n");
}

TEST_CASE("name servers are let through for a while, each in its family's set") {
    const std::string none = "flush set inet vpn-lock-laptop resolvers4\n"
                             "flush set inet vpn-lock-laptop resolvers6\n"
                             "add set inet vpn-lock-laptop link_resolvers { type iface_index . ipv6_addr; flags timeout; }\n"
                             "flush set inet vpn-lock-laptop link_resolvers\n";
    CHECK(admit_resolvers_commands("laptop", {address("192.0.2.1"), address("2001:db8::1"), {address("fe80::1"), 3}}, 5s) ==
          none + "add element inet vpn-lock-laptop resolvers4 { 192.0.2.1 timeout 5s }\n"
                 "add element inet vpn-lock-laptop resolvers6 { 2001:db8::1 timeout 5s }\n"
                 "add element inet vpn-lock-laptop link_resolvers { 3 . fe80::1 timeout 5s }\n");
    CHECK(dismiss_resolvers_commands("laptop") == none);
}

TEST_CASE("a table's name tells whose lock it is") {
    for (const char* name : {"laptop", "a=b", "a+b.c_d-e"}) CHECK(connection_locked_by(lock_table_name(name)) == name);
    for (const char* table : {"vpn-client-laptop", "filter", "vpn-lock-", "vpn-lock-a/", "vpn-lock-a/zz"}) {
        CAPTURE(table);
        CHECK(connection_locked_by(table).empty());
    }
}
