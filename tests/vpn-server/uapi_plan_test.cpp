// PROTOCOL 4 on a server: what `wg` sets stands in the file, and what `wg` knows nothing of stays.
#include "vpn-server/uapi_plan.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

#include <cerrno>

namespace vpn::server {
namespace {

using config::ServerConfig;
using config::ServerPeer;
using config::UapiAllowedIp;
using config::UapiPeer;
using config::UapiSet;
using samples::prefix;
using samples::prefixes;

constexpr std::uint64_t laptop = 2;
constexpr std::uint64_t gateway = 3;
constexpr std::uint64_t stranger = 9;

UapiPeer peer(std::uint64_t seed, std::initializer_list<std::string_view> ips = {}, bool replace = false) {
    UapiPeer result;
    result.public_key = samples::public_key(seed);
    result.replace_allowed_ips = replace;
    for (const std::string_view text : ips) result.allowed_ips.push_back({prefix(text), false});
    return result;
}

template <class... Peers> UapiSet set_of(Peers... peers) {
    UapiSet set;
    (set.peers.push_back(std::move(peers)), ...);
    return set;
}

/// Requires: it is not refused.
UapiPlan planned(const ServerConfig& running, UapiSet set) {
    auto plan = plan_uapi_set(running, std::move(set));
    REQUIRE_MESSAGE(plan, plan.error().why);
    return std::move(*plan);
}

std::string refusal(const ServerConfig& running, UapiSet set) {
    const auto plan = plan_uapi_set(running, std::move(set));
    REQUIRE_FALSE(plan);
    CHECK(plan.error().error == EINVAL);
    return plan.error().why;
}

crypto::PresharedKey psk(std::uint64_t seed) {
    support::SeededRandom random(seed);
    return crypto::generate_preshared_key(random);
}

} // namespace

TEST_CASE("a set that says nothing changes nothing") {
    const ServerConfig running = samples::config();
    const UapiPlan plan = planned(running, {});
    CHECK(plan.wanted == running);
    CHECK(plan.passing.empty());
    CHECK_FALSE(plan.mark);
}

TEST_CASE("a private key that is set takes the place of both keys, and neither is a peer") {
    ServerConfig running = samples::config();
    support::SeededRandom random(77);
    running.interface.old_key =
        config::OldKey{crypto::generate_private_key(random), {}, Wall(std::chrono::seconds(1'800'000'000))};
    const auto ours = config::own_public_keys(running.interface);
    UapiSet peers;
    for (const crypto::PublicKey& key : ours) peers.peers.emplace_back().public_key = key;
    CHECK(planned(running, std::move(peers)).wanted == running);
    UapiSet same;
    same.private_key = running.interface.private_key.clone();
    CHECK(planned(running, std::move(same)).wanted == running);
    UapiSet other;
    other.private_key = crypto::generate_private_key(random);
    const UapiPlan plan = planned(running, std::move(other));
    CHECK_FALSE(plan.wanted.interface.old_key.has_value());
    CHECK_FALSE(equal_in_constant_time(plan.wanted.interface.private_key, running.interface.private_key));
}

TEST_CASE("a new peer gets the first free name, suite wireguard, and hosts of the networks as its addresses") {
    ServerConfig running = samples::config();
    running.peers[0].name = "peer1";
    UapiPeer added = peer(stranger, {"10.66.0.9/32", "192.168.9.0/24", "fd66::9/128", "10.66.0.128/25", "198.51.100.7/32"});
    added.preshared_key = psk(5);
    const UapiPlan plan = planned(running, set_of(std::move(added), peer(10, {"10.66.0.10/32"})));
    REQUIRE(plan.wanted.peers.size() == 4);
    CHECK(plan.wanted.peers[0] == running.peers[0]);
    CHECK(plan.wanted.peers[1] == running.peers[1]);
    const ServerPeer& one = plan.wanted.peers[2];
    CHECK(one.name == "peer2");
    CHECK(one.public_key == samples::public_key(stranger));
    CHECK(one.suite == config::Suite::wireguard);
    CHECK(one.addresses == prefixes({"10.66.0.9/32", "fd66::9/128"}));
    CHECK(one.allowed_ips == prefixes({"192.168.9.0/24", "10.66.0.128/25", "198.51.100.7/32"}));
    CHECK(equal_in_constant_time(one.preshared_key, psk(5)));
    CHECK(plan.wanted.peers[3].name == "peer3");
}

TEST_CASE("a peer that is there keeps its name, its suite and whether it is disabled, and what the set does not say") {
    ServerConfig running = samples::config();
    running.peers[0].suite = config::Suite::hybrid;
    running.peers[0].preshared_key = psk(1);
    running.peers[0].disabled = true;
    SUBCASE("allowed IPs are added") {
        const UapiPlan plan = planned(running, set_of(peer(laptop, {"192.168.8.77/24"})));
        ServerConfig expected = running.clone();
        expected.peers[0].allowed_ips = prefixes({"192.168.8.0/24"});
        CHECK(plan.wanted == expected);
    }
    SUBCASE("allowed IPs are replaced") {
        const UapiPlan plan = planned(running, set_of(peer(laptop, {"10.66.0.7/32"}, true)));
        const ServerPeer& now = plan.wanted.peers[0];
        CHECK(now.addresses == prefixes({"10.66.0.7/32"}));
        CHECK(now.name == "laptop");
        CHECK(now.suite == config::Suite::hybrid);
        CHECK(now.disabled);
        CHECK(equal_in_constant_time(now.preshared_key, psk(1)));
    }
    SUBCASE("another preshared key stands in the file itself, the same one where it stood") {
        running.peers[0].preshared_key_file = "/etc/vpn/laptop.psk";
        UapiPeer same = peer(laptop);
        same.preshared_key = psk(1);
        CHECK(planned(running, set_of(std::move(same))).wanted == running);
        UapiPeer other = peer(laptop);
        other.preshared_key = psk(2);
        const UapiPlan plan = planned(running, set_of(std::move(other)));
        CHECK(plan.wanted.peers[0].preshared_key_file.empty());
        CHECK(equal_in_constant_time(plan.wanted.peers[0].preshared_key, psk(2)));
    }
}

TEST_CASE("a prefix that another peer is given moves to it, and one with a minus goes from its owner alone") {
    const ServerConfig running = samples::config();
    const UapiPlan moved = planned(running, set_of(peer(laptop, {"192.168.7.0/24"})));
    CHECK(moved.wanted.peers[0].allowed_ips == prefixes({"192.168.7.0/24"}));
    CHECK(moved.wanted.peers[1].allowed_ips.empty());

    UapiPeer less = peer(gateway);
    less.allowed_ips = {UapiAllowedIp{prefix("192.168.7.0/24"), true}, UapiAllowedIp{prefix("10.66.0.2/32"), true}};
    const UapiPlan taken = planned(running, set_of(std::move(less)));
    CHECK(taken.wanted.peers[1].allowed_ips.empty());
    CHECK(taken.wanted.peers[1].addresses == prefixes({"10.66.0.3/32"}));
    CHECK(taken.wanted.peers[0] == running.peers[0]);

    UapiPeer again = peer(gateway);
    again.allowed_ips = {UapiAllowedIp{prefix("192.168.7.0/24"), true}, UapiAllowedIp{prefix("192.168.6.0/24"), false},
                         UapiAllowedIp{prefix("192.168.7.0/24"), false}, UapiAllowedIp{prefix("192.168.7.0/24"), false}};
    CHECK(planned(running, set_of(std::move(again))).wanted.peers[1].allowed_ips ==
          prefixes({"192.168.6.0/24", "192.168.7.0/24"}));
}

TEST_CASE("peers are removed, and only updated where the set says so") {
    const ServerConfig running = samples::config();
    UapiPeer gone = peer(laptop);
    gone.remove = true;
    UapiPeer nobody = peer(stranger);
    nobody.remove = true;
    UapiPeer unknown = peer(10, {"10.66.0.10/32"});
    unknown.update_only = true;
    const UapiPlan plan = planned(running, set_of(std::move(gone), std::move(nobody), std::move(unknown)));
    REQUIRE(plan.wanted.peers.size() == 1);
    CHECK(plan.wanted.peers[0] == running.peers[1]);
}

TEST_CASE(
    "when all peers are replaced, those that come again keep name and suite and nothing else, and disabled ones are let alone") {
    ServerConfig running = samples::config();
    running.peers[1].suite = config::Suite::hybrid;
    running.peers[1].preshared_key = psk(1);
    running.peers.push_back(samples::peer("sleeper", 4, {"10.66.0.4/32"}));
    running.peers[2].disabled = true;
    UapiPeer update = peer(laptop, {"10.66.0.2/32"});
    update.update_only = true;
    UapiSet set = set_of(peer(gateway, {"10.66.0.2/32"}), peer(stranger, {"10.66.0.3/32"}), std::move(update));
    set.replace_peers = true;
    const UapiPlan plan = planned(running, std::move(set));
    REQUIRE(plan.wanted.peers.size() == 3);
    CHECK(plan.wanted.peers[0].name == "gateway");
    CHECK(plan.wanted.peers[0].suite == config::Suite::hybrid);
    CHECK(plan.wanted.peers[0].addresses == prefixes({"10.66.0.2/32"}));
    CHECK(plan.wanted.peers[0].allowed_ips.empty());
    CHECK(plan.wanted.peers[0].preshared_key.is_zero());
    CHECK(plan.wanted.peers[1] == running.peers[2]);
    CHECK(plan.wanted.peers[2].name == "peer1");
}

TEST_CASE("one peer may come twice in a set, and is what both say of it") {
    const ServerConfig running = samples::config();
    UapiPeer gone = peer(laptop);
    gone.remove = true;
    const UapiPlan plan = planned(running, set_of(peer(stranger, {"10.66.0.9/32"}), std::move(gone),
                                                  peer(stranger, {"10.66.0.2/32"}), peer(laptop, {"10.66.0.8/32"})));
    CHECK(plan.wanted.peers[0].name == "laptop");
    CHECK(plan.wanted.peers[0].addresses == prefixes({"10.66.0.8/32"}));
    CHECK(plan.wanted.peers[2].addresses == prefixes({"10.66.0.9/32", "10.66.0.2/32"}));
}

TEST_CASE("the private key and the port stand in the file, port zero is the one that there is, and our own key is nobody's") {
    ServerConfig running = samples::config();
    running.interface.private_key_file = "/etc/vpn/key";
    UapiSet set = set_of(peer(1, {"10.66.0.9/32"}));
    set.peers[0].public_key = crypto::public_key_of(running.interface.private_key);
    set.private_key = running.interface.private_key.clone();
    set.listen_port = Port{0};
    CHECK(planned(running, std::move(set)).wanted == running);

    UapiSet other;
    support::SeededRandom random(7);
    other.private_key = crypto::generate_private_key(random);
    other.listen_port = Port{4711};
    other.mark = Mark{5};
    const UapiPlan plan = planned(running, std::move(other));
    CHECK(plan.wanted.interface.private_key_file.empty());
    CHECK_FALSE(equal_in_constant_time(plan.wanted.interface.private_key, running.interface.private_key));
    CHECK(plan.wanted.interface.listen_port == Port{4711});
    CHECK(plan.mark == Mark{5});
}

TEST_CASE("endpoints and keepalives pass: the file has no word for them") {
    const ServerConfig running = samples::config();
    UapiPeer moved = peer(laptop);
    moved.endpoint = Endpoint::parse("192.0.2.7:4000");
    moved.persistent_keepalive = std::chrono::seconds(25);
    const UapiPlan plan = planned(running, set_of(std::move(moved), peer(gateway)));
    CHECK(plan.wanted == running);
    REQUIRE(plan.passing.size() == 1);
    CHECK(plan.passing[0].public_key == samples::public_key(laptop));
    CHECK(plan.passing[0].update_only);
    CHECK(plan.passing[0].endpoint == Endpoint::parse("192.0.2.7:4000"));
    CHECK(plan.passing[0].persistent_keepalive == std::chrono::seconds(25));
}

TEST_CASE("what the file's rules forbid is refused") {
    const ServerConfig running = samples::config();
    CHECK(refusal(running, set_of(peer(stranger))) == "peer \"peer1\" has neither \"addresses\" nor \"allowed_ips\"");
    CHECK(refusal(running, set_of(peer(stranger, {"10.66.0.1/32"}))) == "the address 10.66.0.1/32 is the server's own");
    CHECK(refusal(running, set_of(peer(stranger, {"10.66.0.2/32", "fd66::2/128"}))) ==
          "peer \"laptop\" has neither \"addresses\" nor \"allowed_ips\"");
    UapiSet without_key;
    without_key.private_key = crypto::PrivateKey();
    CHECK(refusal(running, std::move(without_key)) == "the private key is missing or all zeros");
    UapiSet many = set_of(peer(stranger));
    for (unsigned i = 10; i < 75; ++i)
        many.peers[0].allowed_ips.push_back({prefix("10.66.0." + std::to_string(i) + "/32"), false});
    CHECK(refusal(running, std::move(many)) == "peer \"peer1\" would have too many addresses");
}

TEST_CASE("a hundred thousand networks in one set, and their move to another peer") {
    const ServerConfig running = samples::config();
    const auto filled = [](std::uint64_t seed) {
        UapiPeer full = peer(seed);
        for (unsigned i = 0; i < 100'000; ++i)
            full.allowed_ips.push_back({Prefix(*IpAddress::parse("11." + std::to_string(i >> 16U) + '.' +
                                                                 std::to_string(i >> 8U & 255U) + '.' + std::to_string(i & 255U)),
                                               32),
                                        false});
        return full;
    };
    const UapiPlan first = planned(running, set_of(filled(laptop)));
    CHECK(first.wanted.peers[0].allowed_ips.size() == 100'000);
    const UapiPlan second = planned(first.wanted, set_of(filled(gateway)));
    CHECK(second.wanted.peers[0].allowed_ips.empty());
    CHECK(second.wanted.peers[1].allowed_ips.size() == 100'001);
}

} // namespace vpn::server
