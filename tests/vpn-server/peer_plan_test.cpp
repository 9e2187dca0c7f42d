#include "vpn-server/peer_plan.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

using samples::holds;

Result<config::ServerPeer> plan(const config::ServerConfig& config, const PeerRequest& request) {
    support::SeededRandom random(5);
    return plan_peer(config, request, random);
}

} // namespace

TEST_CASE("a new peer gets the next free addresses and a preshared key") {
    const auto peer = plan(samples::config(), {.name = "phone", .public_key = samples::public_key(9)});
    REQUIRE(peer);
    CHECK(peer->name == "phone");
    CHECK(peer->public_key == samples::public_key(9));
    CHECK(peer->addresses == samples::prefixes({"10.66.0.4/32", "fd66::4/128"}));
    CHECK_FALSE(peer->preshared_key.is_zero());
    CHECK(peer->allowed_ips.empty());
    CHECK_FALSE(peer->disabled);
}

TEST_CASE("without a preshared key where none was asked for") {
    const auto peer =
        plan(samples::config(), {.name = "phone", .public_key = samples::public_key(9), .with_preshared_key = false});
    REQUIRE(peer);
    CHECK(peer->preshared_key.is_zero());
}

TEST_CASE("a peer without a name is called by the first number that is free") {
    config::ServerConfig config = samples::config();
    CHECK(plan(config, {.name = {}, .public_key = samples::public_key(9)})->name == "peer1");
    config.peers[0].name = "peer1";
    config.peers[1].name = "peer3";
    CHECK(plan(config, {.name = {}, .public_key = samples::public_key(9)})->name == "peer2");
}

TEST_CASE("what can't be is refused by name") {
    config::ServerConfig config = samples::config();
    PeerRequest request{.name = "phone", .public_key = samples::public_key(9)};
    std::string_view said;
    SUBCASE("a name that is taken") {
        request.name = "laptop";
        said = "\"laptop\"";
    }
    SUBCASE("a name that is none") {
        request.name = "a/b";
        said = "\"a/b\"";
    }
    SUBCASE("a key that another peer has") {
        request.public_key = samples::public_key(3);
        said = "\"gateway\"";
    }
    SUBCASE("the server's own key") {
        request.public_key = crypto::public_key_of(config.interface.private_key);
        said = "own";
    }
    SUBCASE("no key") {
        request.public_key = {};
        said = "zeros";
    }
    SUBCASE("no address left") {
        config.networks = samples::prefixes({"10.66.0.0/30"});
        said = "10.66.0.0/30";
    }
    const auto refused = plan(config, request);
    REQUIRE_FALSE(refused);
    CHECK(holds(refused.error().message, said));
}

TEST_CASE("the planned peer fits the configuration") {
    config::ServerConfig config = samples::config();
    for (std::uint64_t seed = 10; seed < 60; ++seed) {
        auto peer = plan(config, {.name = {}, .public_key = samples::public_key(seed)});
        REQUIRE(peer);
        config.peers.push_back(std::move(*peer));
    }
    CHECK_FALSE(config::check(config));
}

} // namespace vpn::server
