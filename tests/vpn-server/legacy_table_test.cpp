// The issue: works beside Docker, ufw and firewalld, those too that use iptables-legacy. Tables as a kernel gave them, and such
// as none gives.
#include "vpn-server/legacy_table.hpp"

#include "tests/support/xtables.hpp"
#include "tests/vpn-server/samples.hpp"
#include "vpn-server/exception_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace vpn::server {
namespace {

using samples::prefixes;
using system::Xtable;
using test::captured_v4;
using test::captured_v6;

constexpr std::size_t target_offset = 88; ///< in an entry of IPv4's, as next_offset
constexpr std::size_t next_offset = 90;
constexpr std::size_t first_match = 112;
constexpr std::size_t jump = 672; ///< to DOCKER-USER; the verdict stands behind the target's 32 bytes
constexpr std::size_t verdict_of_jump = jump + first_match + 32;

ForeignTable read(const Xtable& table) {
    auto result = legacy_table(table);
    REQUIRE_MESSAGE(result.has_value(), result.error().message);
    return std::move(*result);
}

std::vector<std::uint16_t> numbers(std::initializer_list<unsigned> values) {
    std::vector<std::uint16_t> result;
    for (const unsigned value : values) result.push_back(static_cast<std::uint16_t>(value));
    return result;
}

template <class Number> Xtable with(Xtable table, std::size_t at, Number value) {
    std::memcpy(&table.entries.at(at), &value, sizeof value);
    return table;
}

Probe forwarded(std::string in, std::string out, std::initializer_list<std::string_view> sources) {
    return {
        .family = prefixes(sources).front().family(), .in = std::move(in), .out = std::move(out), .sources = prefixes(sources)};
}

Probe to_port(std::string in, std::string protocol, std::uint16_t port) {
    return {.hook = Probe::Hook::input,
            .in = std::move(in),
            .state = "untracked",
            .protocol = std::move(protocol),
            .port = Port{port}};
}

/// A table that forwards for nobody, with one rule more, as iptables -A would put it: `change` is made to its 152 bytes.
Xtable with_rule(auto change) {
    Xtable table = captured_v4();
    // The jump to DOCKER-USER becomes a plain ACCEPT of everything, and what follows it in that chain its policy.
    constexpr std::int32_t accept = -2;
    std::memcpy(&table.entries.at(verdict_of_jump), &accept, sizeof accept);
    change(std::span(table.entries).subspan(jump, 152));
    return table;
}

void put(std::span<std::byte> rule, std::size_t at, std::string_view text) { std::memcpy(&rule[at], text.data(), text.size()); }
bool accepts(const Xtable& table, const Probe& probe) { return read(table).passage(probe).dropped_in.empty(); }

} // namespace

TEST_CASE("a table of iptables-legacy is named after the program that shows it, and sees that family alone") {
    const ForeignTable v4 = read(captured_v4());
    CHECK(v4.name().text() == "iptables-legacy filter");
    CHECK(v4.name().is_legacy());
    CHECK(v4.sees(Family::v4));
    CHECK_FALSE(v4.sees(Family::v6));
    CHECK(read(captured_v6()).name().text() == "ip6tables-legacy filter");
    CHECK(read(captured_v6()).sees(Family::v6));
}

TEST_CASE("interfaces, sources and the connection's state are judged as iptables means them") {
    const ForeignTable table = read(captured_v4());
    CHECK(table.passage(forwarded("vpns", "eth0", {"10.66.0.0/24"})).dropped_in.empty());
    CHECK(table.passage(forwarded("vpn", "eth0", {"10.66.0.7/32"})).dropped_in.empty());
    const Passage passage = table.passage(forwarded("vpns", "docker0", {"10.66.0.0/24"}));
    CHECK(passage.dropped_in == "FORWARD");
    CHECK(passage.through == std::vector<std::string>{"FORWARD", "DOCKER-USER"});
    CHECK(table.passage(forwarded("wg0", "eth0", {"10.66.0.0/24"})).dropped_in == "FORWARD");
    CHECK(table.passage(forwarded("vpns", "eth0", {"10.67.0.0/24"})).dropped_in == "FORWARD");
    CHECK(table.passage(forwarded("vpns", "eth0", {"10.66.0.0/23"})).dropped_in == "FORWARD");
    for (const char* const state : {"new", "established", "related", "invalid", "untracked"}) {
        Probe probe = forwarded("vpns", "eth0", {"10.66.0.0/24"});
        probe.state = state;
        const bool accepted = probe.state == "new" || probe.state == "established";
        CHECK(table.passage(probe).dropped_in.empty() == accepted);
    }
}

TEST_CASE("a list of ports is judged, ranges and all, and a comment changes nothing") {
    const ForeignTable table = read(captured_v4());
    for (const std::uint16_t port : numbers({53, 51000, 51820, 52000}))
        CHECK(table.passage(to_port("eth0", "udp", port)).dropped_in.empty());
    for (const std::uint16_t port : numbers({52, 54, 50999, 52001}))
        CHECK(table.passage(to_port("eth0", "udp", port)).dropped_in == "INPUT");
    CHECK(table.passage(to_port("eth0", "tcp", 51820)).dropped_in == "INPUT");
    CHECK(table.passage(to_port("eth1", "udp", 51820)).dropped_in == "INPUT");
}

TEST_CASE("in IPv6 too: a chain that is gone to, a port of UDP's and a rejection") {
    const ForeignTable table = read(captured_v6());
    const auto udp = [](std::string in, std::uint16_t port) {
        Probe probe = forwarded(std::move(in), "eth0", {"fd66::/64"});
        probe.protocol = "udp";
        probe.port = Port{port};
        return probe;
    };
    CHECK(table.passage(udp("vpns", 1000)).dropped_in.empty());
    CHECK(table.passage(udp("vpns", 2000)).dropped_in.empty());
    CHECK(table.passage(udp("vpns", 999)).dropped_in == "FORWARD");
    CHECK(table.passage(udp("vpns", 2001)).dropped_in == "FORWARD");
    const Passage gone = table.passage(udp("vpns0", 1000));
    CHECK(gone.dropped_in == "FORWARD");
    CHECK(gone.through == std::vector<std::string>{"FORWARD", "mine"});
    Xtable open = with(captured_v6(), 720 + 168 + 32, std::int32_t{-2}); // the policy: ACCEPT
    Probe web = udp("vpns", 80);
    CHECK(accepts(open, web));
    web.protocol = "tcp";
    CHECK_FALSE(accepts(open, web));
    CHECK(table.passage({.hook = Probe::Hook::input, .family = Family::v6, .in = "eth0"}).dropped_in.empty());
}

TEST_CASE("a condition that can't be judged counts as not met") {
    const Probe probe = forwarded("wgs0", "eth0", {"10.66.0.0/24"});
    constexpr std::size_t destination = 4;
    constexpr std::size_t source_mask = 8;
    constexpr std::size_t in = 16;
    constexpr std::size_t in_mask = 48;
    constexpr std::size_t flags = 82;
    constexpr std::size_t inverted = 83;
    using Rule = std::span<std::byte>;
    CHECK(accepts(with_rule([](Rule) {}), probe));
    CHECK_FALSE(accepts(with_rule([](Rule rule) { put(rule, destination + 8, "\xff"); }), probe));
    CHECK_FALSE(accepts(with_rule([](Rule rule) { put(rule, source_mask, "\xff\x01"); }), probe));
    CHECK(accepts(with_rule([](Rule rule) { put(rule, 0, "\x0a"), put(rule, source_mask, "\xff"); }), probe));
    CHECK_FALSE(accepts(with_rule([](Rule rule) { put(rule, 0, "\x0a\x42"), put(rule, source_mask, "\xff"); }), probe));
    // -i 'wg*' is the name of one interface, and `! -i +` is true of none.
    CHECK_FALSE(accepts(with_rule([](Rule rule) { put(rule, in, "wg*"), put(rule, in_mask, "\xff\xff\xff\xff"); }), probe));
    CHECK_FALSE(accepts(with_rule([](Rule rule) { put(rule, inverted, "\x01"); }), probe));
    CHECK_FALSE(accepts(with_rule([](Rule rule) { put(rule, in, "wgs0"), put(rule, in_mask, "\xff\x0f\xff\xff"); }), probe));
    CHECK_FALSE(accepts(with_rule([](Rule rule) { put(rule, in, "wgs0"), put(rule, in_mask, "\xff\x01"); }), probe));
    // -f, and ! -f
    CHECK_FALSE(accepts(with_rule([](Rule rule) { put(rule, flags, "\x01"); }), probe));
    CHECK(accepts(with_rule([](Rule rule) { put(rule, flags, "\x01\x20"); }), probe));
}

TEST_CASE("an exception is planned in no table of iptables-legacy, but the command is told in its program's words") {
    std::vector<ForeignTable> tables;
    tables.push_back(read(with(captured_v4(), 824 + 16, 'x'))); // the interface of the rule that accepts peers
    tables.push_back(read(captured_v6()));
    const config::ServerConfig config = samples::config();
    const Uplinks uplinks{"eth1", "eth1"};
    CHECK(plan_exceptions(config, uplinks, tables).empty());
    CHECK(exception_commands("vpn-server-vpns", tables, {}).empty());
    const std::vector<Obstacle> found = find_obstacles(config, uplinks, tables);
    REQUIRE(found.size() == 3);
    CHECK(found[0] ==
          Obstacle{"docker", "iptables-legacy filter FORWARD", "from peers to eth1",
                   "iptables-legacy -I DOCKER-USER -i vpns -o eth1 -j ACCEPT && iptables-legacy -I DOCKER-USER -i eth1 "
                   "-o vpns -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"});
    CHECK(found[1] == Obstacle{"iptables", "iptables-legacy filter INPUT", "51820/udp",
                               "iptables-legacy -I INPUT -i eth1 -p udp --dport 51820 -j ACCEPT"});
    CHECK(found[2] == Obstacle{"iptables", "ip6tables-legacy filter FORWARD", "from peers to eth1",
                               "ip6tables-legacy -I FORWARD -i vpns -o eth1 -j ACCEPT && ip6tables-legacy -I FORWARD -i eth1 "
                               "-o vpns -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"});
}

TEST_CASE("where peers get out but answers don't get back, the command is one for answers alone") {
    const Xtable shut = with(captured_v4(), 824 + 16, 'x'); // the interface of the rule that accepts peers
    std::vector<ForeignTable> tables;
    tables.push_back(read(captured_v4()));
    const Uplinks uplinks{"eth0", ""};
    CHECK(find_obstacles(samples::config(), uplinks, tables) ==
          std::vector{Obstacle{"docker", "iptables-legacy filter FORWARD", "answers to peers from eth0",
                               "iptables-legacy -I DOCKER-USER -i eth0 -o vpns -m conntrack --ctstate ESTABLISHED,RELATED "
                               "-j ACCEPT"}});
    // A rule that accepts whatever belongs to a connection that stands: no source, any interface.
    constexpr std::size_t rule = 824;
    constexpr std::size_t state_mask = rule + first_match + 32 + 150;
    Xtable open = shut;
    std::fill_n(open.entries.begin() + rule, 84, std::byte{0});
    for (const std::uint16_t states : numbers({0x0002, 0x0006, 0x0086})) { // ESTABLISHED, and RELATED, and DNAT
        tables.clear();
        tables.push_back(read(with(open, state_mask, states)));
        const std::vector<Obstacle> found = find_obstacles(samples::config(), uplinks, tables);
        REQUIRE(found.size() == 1); // peers themselves open new ones
        CHECK(found.front().traffic == "from peers to eth0");
    }
    tables.clear();
    tables.push_back(read(with(open, state_mask, std::uint16_t{0x000e})));
    CHECK(find_obstacles(samples::config(), uplinks, tables).empty());
}

TEST_CASE("a table whose sizes lead astray is refused") {
    const Xtable good = captured_v4();
    for (const std::uint16_t size : numbers({0, 1, 111, 112, 143, 0xffff})) {
        CHECK_FALSE(legacy_table(with(good, next_offset, size)).has_value());
        CHECK_FALSE(legacy_table(with(good, jump + next_offset, size)).has_value());
    }
    for (const std::uint16_t size : numbers({0, 111, 0xffff}))
        CHECK_FALSE(legacy_table(with(good, target_offset, size)).has_value());
    for (const std::uint16_t size : numbers({0, 1, 31, 0xffff})) {
        CHECK_FALSE(legacy_table(with(good, first_match, size)).has_value());
        CHECK_FALSE(legacy_table(with(good, jump + first_match, size)).has_value()); // a target's
    }
    CHECK_FALSE(legacy_table(with(good, jump + first_match, std::uint16_t{32})).has_value()); // without its verdict
    for (const std::int32_t verdict : {1, 672 + 1, 1984, 0x7fffffff})
        CHECK_FALSE(legacy_table(with(good, verdict_of_jump, verdict)).has_value());
    for (const std::uint32_t place : {1U, 1984U, 0xffffffffU}) {
        Xtable table = good;
        table.last[1] = place;
        CHECK_FALSE(legacy_table(table).has_value());
        table = good;
        table.first[2] = place;
        CHECK_FALSE(legacy_table(table).has_value());
    }
    CHECK(read({}).passage(forwarded("vpns", "eth0", {"10.66.0.0/24"})).dropped_in.empty()); // it has no chain
}

TEST_CASE("a table that was cut off or written over anywhere is refused, or judged without a step outside") {
    for (const Xtable& good : {captured_v4(), captured_v6()}) {
        const Probe probe =
            good.family == Family::v4 ? forwarded("vpns", "eth0", {"10.66.0.0/24"}) : forwarded("vpns", "eth0", {"fd66::/64"});
        const auto judge = [&](const Xtable& table) {
            if (const auto read = legacy_table(table)) static_cast<void>(read->passage(probe));
        };
        for (std::size_t size = 0; size < good.entries.size(); ++size) {
            Xtable table = good;
            // Of its own size, so that a sanitizer sees who reads beyond.
            table.entries = std::vector(good.entries.begin(), good.entries.begin() + static_cast<std::ptrdiff_t>(size));
            judge(table);
        }
        for (std::size_t at = 0; at + 2 <= good.entries.size(); at += 2)
            for (const std::uint16_t value : numbers({0x0000, 0x0001, 0x0020, 0x0070, 0x00ff, 0x7fff, 0xffff}))
                judge(with(good, at, value));
    }
}

} // namespace vpn::server
