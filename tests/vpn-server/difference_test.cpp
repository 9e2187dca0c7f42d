#include "vpn-server/difference.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

using samples::holds;

std::vector<std::string> changed_names(const PeerDifference& difference) {
    std::vector<std::string> names;
    for (const config::ServerPeer* peer : difference.changed) names.push_back(peer->name);
    return names;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("the same configuration changes nothing") {
    const config::ServerConfig config = samples::config();
    const PeerDifference none = difference(config, config.clone());
    CHECK(none.removed.empty());
    CHECK(none.changed.empty());
    CHECK_FALSE(needs_restart(config, config.clone()));
}

TEST_CASE("only what differs of a peer to the engine is set anew") {
    const config::ServerConfig running = samples::config();
    config::ServerConfig wanted = running.clone();
    config::ServerPeer& laptop = wanted.peers[0];
    Names expected{"laptop"};
    SUBCASE("an address") { laptop.addresses = samples::prefixes({"10.66.0.9/32"}); }
    SUBCASE("a network behind it") { laptop.allowed_ips = samples::prefixes({"192.168.9.0/24"}); }
    SUBCASE("the preshared key") {
        support::SeededRandom random(7);
        laptop.preshared_key = crypto::generate_preshared_key(random);
    }
    SUBCASE("its suite") { laptop.suite = config::Suite::hybrid; }
    SUBCASE("its end") { laptop.limits.expires = Wall(std::chrono::seconds(1)); }
    SUBCASE("its quota") { laptop.limits.quota = ByteCount{1}; }
    SUBCASE("its rate") { laptop.limits.rate = BitRate{1000}; }
    SUBCASE("but not its name") {
        laptop.name = "notebook";
        expected.clear();
    }
    SUBCASE("nor the order of peers") {
        std::swap(wanted.peers[0], wanted.peers[1]);
        expected.clear();
    }
    const PeerDifference result = difference(running, wanted);
    CHECK(result.removed.empty());
    CHECK(changed_names(result) == expected);
}

TEST_CASE("peers come and go") {
    const config::ServerConfig running = samples::config();
    config::ServerConfig wanted = running.clone();
    wanted.peers.erase(wanted.peers.begin());
    wanted.peers.push_back(samples::peer("phone", 9, {"10.66.0.4/32"}));
    const PeerDifference result = difference(running, wanted);
    CHECK(result.removed == std::vector{samples::public_key(2)});
    CHECK(changed_names(result) == Names{"phone"});
}

TEST_CASE("another key is another peer, whatever its name") {
    const config::ServerConfig running = samples::config();
    config::ServerConfig wanted = running.clone();
    wanted.peers[0].public_key = samples::public_key(9);
    const PeerDifference result = difference(running, wanted);
    CHECK(result.removed == std::vector{samples::public_key(2)});
    CHECK(changed_names(result) == Names{"laptop"});
}

TEST_CASE("a disabled peer stays where it is, so that its refusals are counted by name") {
    const config::ServerConfig enabled = samples::config();
    config::ServerConfig disabled = enabled.clone();
    disabled.peers[0].disabled = true;
    CHECK(difference(enabled, disabled).removed.empty());
    CHECK(changed_names(difference(enabled, disabled)) == Names{"laptop"});
    CHECK(changed_names(difference(disabled, enabled)) == Names{"laptop"});
    CHECK(difference(disabled, disabled.clone()).changed.empty());
}

TEST_CASE("what a running daemon can't change is named, with what it is and what it should be") {
    const config::ServerConfig running = samples::config();
    config::ServerConfig wanted = running.clone();
    std::string_view name;
    std::string_view to;
    SUBCASE("the interface's name") {
        wanted.interface.name = name = to = "wan7";
        name = "interface.name";
    }
    SUBCASE("the port") {
        wanted.interface.listen_port = Port{4433};
        name = "interface.listen_port";
        to = "4433";
    }
    SUBCASE("the MTU") {
        wanted.interface.mtu = 1400;
        name = "interface.mtu";
        to = "from auto to 1400";
    }
    SUBCASE("a family") {
        wanted.networks.pop_back();
        wanted.interface.addresses.pop_back();
        name = "IPv6";
        to = "off";
    }
    const auto restart = needs_restart(running, wanted);
    REQUIRE(restart);
    CHECK(holds(*restart, name));
    CHECK(holds(*restart, to));
    CHECK(holds(*restart, "restart"));
}

TEST_CASE("a peer owns its addresses and the networks behind it, and answers where it called from") {
    const config::ServerConfig config = samples::config();
    const protocol::PeerConfig gateway = peer_config(config.peers[1]);
    CHECK(gateway.public_key == samples::public_key(3));
    CHECK(gateway.allowed_ips == samples::prefixes({"10.66.0.3/32", "192.168.7.0/24"}));
    CHECK_FALSE(gateway.endpoint);
    CHECK(gateway.persistent_keepalive.count() == 0);
}

} // namespace vpn::server
