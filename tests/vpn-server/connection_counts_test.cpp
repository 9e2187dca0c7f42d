// THREATS: conntrack exhaustion. The issue: what the cap dropped is counted and shown.
#include "vpn-server/connection_counts.hpp"

#include "tests/support/net_namespace.hpp"
#include "tests/vpn-server/samples.hpp"
#include "vpn-server/firewall.hpp"
#include "vpn-server/ruleset.hpp"

#include <doctest/doctest.h>

namespace vpn::server {

using samples::address;
using samples::prefixes;

TEST_CASE("what nft counts by address is told by peer, and what is nobody's in the sum alone") {
    config::ServerConfig config = samples::config();
    config.peers[1].allowed_ips = prefixes({"10.66.0.0/25"}); // others' own addresses in it stay theirs
    const AddressCounts counts{
        {address("10.66.0.2"), 3}, {address("10.66.0.77"), 4}, {address("fd66::2"), 5}, {address("192.0.2.1"), 6}};
    CHECK(counts_by_peer(counts, config) == std::vector<std::uint64_t>{8, 4});
    CHECK(sum_of(counts) == 18);
}

TEST_CASE("elements of a set are added to what was counted") {
    AddressCounts counts{{address("10.66.0.2"), 1}};
    REQUIRE(add_counts(R"({"nftables": [{"metainfo": {}}, {"set": {"name": "over4", "elem": [
        {"elem": {"val": "10.66.0.2", "counter": {"packets": 41, "bytes": 1}}},
        {"elem": {"val": "10.66.0.3", "counter": {"packets": 0, "bytes": 0}}}, "10.66.0.4"]}}]})",
                       counts));
    CHECK(counts == AddressCounts{{address("10.66.0.2"), 42}});
    CHECK_FALSE(add_counts("{}", counts));
    CHECK_FALSE(add_counts("", counts));
}

TEST_CASE("counts outlive a change of the rules, and a table that somebody removed is put up again") {
    const test::NetNamespace network;
    const test::Inside inside(network);
    config::ServerConfig config = samples::config();
    auto firewall = Firewall::put_up("vpns", ruleset(config, {}, 1420));
    REQUIRE_MESSAGE(firewall.has_value(), firewall.error().message);
    CHECK(firewall->over_connections().empty());
    test::shell("nft add element inet vpn-server-vpns over4 '{ 10.66.0.2 counter packets 7 bytes 420 }'");
    test::shell("nft add element inet vpn-server-vpns over6 '{ fd66::2 counter packets 2 bytes 160 }'");
    const AddressCounts counts{{address("10.66.0.2"), 7}, {address("fd66::2"), 2}};
    CHECK(firewall->over_connections() == counts);
    config.max_connections = 5;
    REQUIRE(firewall->replace(ruleset(config, {}, 1420)));
    CHECK(firewall->over_connections() == counts);
    CHECK_FALSE(firewall->restore().value());
    test::shell("nft flush ruleset");
    CHECK(firewall->restore().value());
    CHECK(samples::holds(test::shell("nft list ruleset"), "masquerade"));
    config.max_connections = 0;
    REQUIRE(firewall->replace(ruleset(config, {}, 1420)));
    CHECK(firewall->over_connections() == counts);
}

} // namespace vpn::server
