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

TEST_CASE("the MTU is what the smallest way out leaves: 80 bytes less, 1420 at most, 1280 at least") {
    CHECK(tunnel_mtu(std::nullopt, 1500) == 1420);
    CHECK(tunnel_mtu(std::nullopt, 1480) == 1400);
    CHECK(tunnel_mtu(std::nullopt, 9001) == 1420);
    CHECK(tunnel_mtu(std::nullopt, 1300) == 1280);
    CHECK(tunnel_mtu(std::nullopt, 60) == 1420);
    CHECK(tunnel_mtu(std::nullopt, std::nullopt) == 1420);
    CHECK(tunnel_mtu(1300, 1500) == 1300);
    CHECK(tunnel_mtu(8920, 1500) == 8920);
}

} // namespace vpn::server
