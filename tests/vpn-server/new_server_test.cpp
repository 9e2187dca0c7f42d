// EXPERIENCE: `init`.
#include "vpn-server/new_server.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

Result<config::ServerConfig> made(const NewServer& wishes, std::uint64_t seed = 1) {
    support::SeededRandom random(seed);
    return new_server(wishes, random);
}

const config::HostPort endpoint{"vpn.example.org", Port{51820}};

} // namespace

TEST_CASE("a new server has a key, 10.66.0.0/24 and a local IPv6 network of its own") {
    const auto config = made({.endpoint = endpoint, .network = {}, .network6 = {}, .dns = {}});
    REQUIRE(config);
    CHECK(config->interface.name == "vpns");
    CHECK(config->interface.listen_port == Port{51820});
    CHECK_FALSE(config->interface.private_key.is_zero());
    CHECK(config->networks.at(0) == samples::prefix("10.66.0.0/24"));
    CHECK(config->interface.addresses.at(0) == samples::prefix("10.66.0.1/24"));
    const Prefix network6 = config->networks.at(1);
    CHECK(samples::prefix("fd00::/8").contains(network6.address()));
    CHECK(network6.bits() == 64);
    CHECK(network6 == network6.network());
    CHECK(config->interface.addresses.at(1).network() == network6);
    CHECK(config->interface.addresses.at(1).address() != network6.address());
    CHECK(config->isolate_peers);
    CHECK(config->host_services.empty());
    CHECK(config->nat == config::Nat{});
    CHECK(config->peers.empty());
    const auto read = config::decode_server(config::encode(*config), "server.json");
    REQUIRE(read);
    CHECK(*read == *config);
}

TEST_CASE("no two servers have the same key or the same local network") {
    const NewServer wishes{.endpoint = endpoint, .network = {}, .network6 = {}, .dns = {}};
    const auto one = made(wishes, 1);
    const auto other = made(wishes, 2);
    CHECK_FALSE(equal_in_constant_time(one->interface.private_key, other->interface.private_key));
    CHECK(one->networks[1] != other->networks[1]);
}

TEST_CASE("what the owner chose is kept") {
    const auto config = made({.endpoint = {"198.51.100.10", Port{4433}},
                              .network = samples::prefix("10.77.0.0/16"),
                              .network6 = samples::prefix("2001:db8:7::/48"),
                              .interface = "wan7",
                              .listen_port = Port{4433},
                              .dns = {samples::address("9.9.9.9")}});
    REQUIRE(config);
    CHECK(config->interface.addresses == samples::prefixes({"10.77.0.1/16", "2001:db8:7::1/48"}));
    CHECK(config->networks == samples::prefixes({"10.77.0.0/16", "2001:db8:7::/48"}));
    CHECK(config->interface.name == "wan7");
    CHECK(config->interface.listen_port == Port{4433});
    CHECK(config->dns == std::vector{samples::address("9.9.9.9")});
}

TEST_CASE("a network without room for a server and a peer is refused by name") {
    for (const char* network : {"10.66.0.0/31", "10.66.0.0/32"}) {
        const auto config = made({.endpoint = endpoint, .network = samples::prefix(network), .network6 = {}, .dns = {}});
        REQUIRE_FALSE(config);
        CHECK(samples::holds(config.error().message, network));
    }
}

} // namespace vpn::server
