// EXPERIENCE: what `peer add` writes.
#include "vpn-server/client_file.hpp"

#include "common/config/wg_quick.hpp"
#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {
namespace {

crypto::PrivateKey laptop_key() {
    support::SeededRandom random(2);
    return crypto::generate_private_key(random);
}

config::ClientConfig file_for(const config::ServerConfig& server, const ClientFileWishes& wishes = {}) {
    return client_file(server, server.peers[0], laptop_key(), wishes);
}

} // namespace

TEST_CASE("a new peer's file connects it to the server, everything through the tunnel") {
    const config::ServerConfig server = samples::config();
    const config::ClientConfig client = file_for(server);
    CHECK(client.interface.addresses == server.peers[0].addresses);
    CHECK(client.interface.dns == server.dns);
    CHECK(client.interface.probe == samples::address("10.66.0.1"));
    REQUIRE(client.peers.size() == 1);
    CHECK(client.peers[0].public_key == crypto::public_key_of(server.interface.private_key));
    CHECK(client.peers[0].endpoint == server.endpoint);
    CHECK(client.peers[0].allowed_ips == samples::prefixes({"0.0.0.0/0", "::/0"}));
    CHECK(client.peers[0].persistent_keepalive == std::chrono::seconds(25));
    CHECK_FALSE(config::check(client));
}

TEST_CASE("a client takes the file as it is") {
    config::ServerConfig server = samples::config();
    support::SeededRandom random(8);
    server.peers[0].preshared_key = crypto::generate_preshared_key(random);
    const config::ClientConfig client = file_for(server);
    CHECK(equal_in_constant_time(client.peers[0].preshared_key, server.peers[0].preshared_key));
    const auto read = config::decode_client(config::encode(client), "laptop.json");
    REQUIRE(read);
    CHECK(*read == client);
}

TEST_CASE("a key that only the peer has is left to the peer") {
    const config::ServerConfig server = samples::config();
    const config::ClientConfig client = client_file(server, server.peers[0], "/etc/vpn/laptop.key", {});
    CHECK(client.interface.private_key.is_zero());
    CHECK(samples::holds(config::encode(client), "\"private_key\": \"file:/etc/vpn/laptop.key\""));
    CHECK_FALSE(samples::holds(config::format_wg_quick(client), "PrivateKey"));
}

TEST_CASE("an answer to a card names the card's key, and is no client's file before it is joined with the private one") {
    const config::ServerConfig server = samples::config();
    const config::ClientConfig client = client_file(server, server.peers[0], server.peers[0].public_key, {});
    const std::string text = config::encode(client);
    CHECK(samples::holds(text, "\"public_key\": \"" + server.peers[0].public_key.to_string() + "\",\n    \"addresses\""));
    CHECK_FALSE(samples::holds(text, "private_key"));
    const auto answer = config::decode_client_or_answer(text, "laptop.json");
    REQUIRE(answer);
    CHECK(*answer == client);
    const auto refused = config::decode_client(text, "laptop.json");
    REQUIRE_FALSE(refused);
    CHECK(samples::holds(refused.error().message, "vpn-client import"));
}

TEST_CASE("wishes go before what the server would say") {
    const ClientFileWishes wishes{samples::prefixes({"10.66.0.0/24"}), {samples::address("1.1.1.1")}};
    const config::ClientConfig client = file_for(samples::config(), wishes);
    CHECK(client.peers[0].allowed_ips == wishes.allowed_ips);
    CHECK(client.interface.dns == wishes.dns);
}

TEST_CASE("a peer of one family is probed in that family") {
    config::ServerConfig server = samples::config();
    server.peers[0].addresses = samples::prefixes({"fd66::2/128"});
    CHECK(file_for(server).interface.probe == samples::address("fd66::1"));
}

TEST_CASE("of the server's resolvers a peer is told those that it reaches through the tunnel") {
    const std::vector<IpAddress> resolvers{samples::address("9.9.9.9"), samples::address("2620:fe::fe"),
                                           samples::address("10.66.0.53")};
    config::ServerConfig server = samples::config();
    CHECK(reachable(resolvers, file_for(server)) == resolvers);
    CHECK(reachable(resolvers, file_for(server, {samples::prefixes({"10.66.0.0/24"}), {}})) ==
          std::vector{samples::address("10.66.0.53")});
    server.peers[0].addresses = samples::prefixes({"10.66.0.2/32"});
    CHECK(reachable(resolvers, file_for(server)) == std::vector{samples::address("9.9.9.9"), samples::address("10.66.0.53")});
}

} // namespace vpn::server
