#include "vpn-server/layout.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {

using samples::prefixes;

TEST_CASE("networks behind peers are routed into the tunnel; its own come with the addresses") {
    const Layout layout = layout_of(samples::config());
    CHECK(layout.addresses == prefixes({"10.66.0.1/24", "fd66::1/64"}));
    CHECK(layout.routes == prefixes({"192.168.7.0/24"}));
    CHECK(destinations(layout) == prefixes({"192.168.7.0/24", "10.66.0.0/24", "fd66::/64"}));
}

TEST_CASE("a network that no address covers is routed too") {
    config::ServerConfig config = samples::config();
    config.interface.addresses = prefixes({"10.66.0.1/32", "fd66::1/64"});
    config.networks.push_back(samples::prefix("10.77.0.0/24"));
    CHECK(layout_of(config).routes == prefixes({"10.66.0.0/24", "10.77.0.0/24", "192.168.7.0/24"}));
}

TEST_CASE("a disabled peer's networks are not routed") {
    config::ServerConfig config = samples::config();
    config.peers[1].disabled = true;
    CHECK(layout_of(config).routes.empty());
}

TEST_CASE("no peer takes the server's own way out") {
    config::ServerConfig config = samples::config();
    config.peers[1].allowed_ips = prefixes({"0.0.0.0/0", "::/0", "192.168.7.0/24", "10.66.0.128/25"});
    CHECK(layout_of(config).routes == prefixes({"192.168.7.0/24"}));
}

TEST_CASE("what one has and the other has not") {
    const Layout one{prefixes({"10.66.0.1/24", "fd66::1/64"}), prefixes({"10.77.0.0/24", "192.168.7.0/24"})};
    const Layout other{prefixes({"fd66::1/64"}), prefixes({"10.77.0.0/24", "192.168.8.0/24"})};
    CHECK(difference(one, other) == Layout{prefixes({"10.66.0.1/24"}), prefixes({"192.168.7.0/24"})});
    CHECK(difference(other, one) == Layout{{}, prefixes({"192.168.8.0/24"})});
    CHECK(difference(one, one) == Layout{});
}

TEST_CASE(
    "the MTU is what the smallest way out leaves: 80 bytes less, 96 for a hybrid peer, of 1500 at most, and 1280 at least") {
    config::ServerConfig config;
    CHECK(tunnel_mtu(config, 1500) == 1420);
    CHECK(tunnel_mtu(config, 1480) == 1400);
    CHECK(tunnel_mtu(config, 9001) == 1420);
    CHECK(tunnel_mtu(config, 1300) == 1280);
    CHECK(tunnel_mtu(config, 60) == 1280);
    CHECK(tunnel_mtu(config, std::nullopt) == 1420);
    config.peers.emplace_back();
    CHECK(tunnel_mtu(config, 1500) == 1420);
    config.peers.emplace_back().suite = config::Suite::hybrid;
    CHECK(tunnel_mtu(config, 1500) == 1404);
    CHECK(tunnel_mtu(config, 1480) == 1384);
    CHECK(tunnel_mtu(config, 1300) == 1280);
    config.interface.mtu = 1300;
    CHECK(tunnel_mtu(config, 1500) == 1300);
    config.interface.mtu = 8920;
    CHECK(tunnel_mtu(config, 1500) == 8920);
}

} // namespace vpn::server
