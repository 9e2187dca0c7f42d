// A thousand peers at one server (THREATS, "10,000 and 100,000 peers" is for real machines; here every rule still holds).
#include "tests/support/letters.hpp"
#include "tests/support/wire.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <set>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t crowd = 1000;

IpAddress inner_address(std::uint32_t number) {
    ByteArray<4> bytes{};
    store_be(bytes.data(), 0x0a400000U + number);
    return IpAddress::v4(bytes);
}
Endpoint outer_address(std::uint32_t number) {
    Endpoint at = endpoint("203.0.113.1:1");
    at.port.value = static_cast<std::uint16_t>(1000 + number);
    return at;
}

} // namespace

TEST_CASE("a thousand clients connect, each gets its own answers only, and when they are gone the server sleeps") {
    Wire wire;
    Node server(1, wire.clock);
    const Endpoint site = endpoint("198.51.100.1:51820");
    wire.plug(server, site);
    std::vector<std::unique_ptr<Node>> clients;
    std::vector<std::string> prefixes;
    for (std::uint32_t i = 0; i < crowd; ++i) prefixes.push_back(inner_address(2 + i).to_string() + "/32");
    for (std::uint32_t i = 0; i < crowd; ++i) {
        clients.push_back(std::make_unique<Node>(1000 + i, wire.clock));
        wire.plug(*clients.back(), outer_address(i));
        (void)clients.back()->meet({.public_key = server.name(), .allowed_ips = {"10.64.0.1/32"}, .endpoint = site});
        (void)server.meet({.public_key = clients.back()->name(), .allowed_ips = {prefixes[i]}});
    }

    std::set<std::uint32_t> indices;
    wire.on_sent([&](const Seen& seen) {
        if (kind_of(seen.bytes) == 2) indices.insert(load_le<std::uint32_t>(seen.bytes.data() + 4));
    });
    const IpAddress at_server = inner_address(1);
    for (std::uint32_t i = 0; i < crowd; ++i) (void)clients[i]->send(letter(inner_address(2 + i), at_server, i));
    wire.run_for(1s);
    CHECK(server.take_delivered().size() == crowd);
    CHECK(indices.size() == crowd); // unique on the wire

    for (std::uint32_t i = 0; i < crowd; ++i) (void)server.send(letter(at_server, inner_address(2 + i), i));
    wire.run_for(1s);
    for (std::uint32_t i = 0; i < crowd; ++i) {
        const auto delivered = clients[i]->take_delivered();
        if (delivered != std::vector<ByteVector>{letter(at_server, inner_address(2 + i), i)}) FAIL("client ", i);
    }

    const auto wakes = server.wakes();
    wire.run_for(1h);
    CHECK_FALSE(server.wakes_at().has_value());
    CHECK(server.wakes() - wakes <= 3 * crowd);
    for (const PeerId id : server.device().peers()) CHECK_FALSE(server.peer(id).keyring().current());
}

TEST_CASE("a client that claims another's address is refused among a crowd") {
    Wire wire;
    Node server(1, wire.clock);
    const Endpoint site = endpoint("198.51.100.1:51820");
    wire.plug(server, site);
    Node mallory(2, wire.clock);
    wire.plug(mallory, outer_address(0));
    (void)mallory.meet({.public_key = server.name(), .allowed_ips = {"0.0.0.0/0"}, .endpoint = site});
    for (std::uint32_t i = 0; i < 50; ++i) {
        const std::string prefix_text = inner_address(2 + i).to_string() + "/32";
        (void)server.meet(
            {.public_key = i == 7 ? mallory.name() : Node(5000 + i, wire.clock).name(), .allowed_ips = {prefix_text}});
    }
    for (std::uint32_t i = 0; i < 50; ++i) (void)mallory.send(letter(inner_address(2 + i), inner_address(1), i));
    wire.run_for(1s);
    const auto delivered = server.take_delivered();
    REQUIRE(delivered.size() == 1);
    CHECK(number_of(delivered[0], inner_address(9), inner_address(1)) == 7);
    CHECK(server.drops(Drop::wrong_source) == 49);
}

TEST_CASE("peers of both suites talk through one server, and each to the other") {
    Wire wire;
    Node server(1, wire.clock);
    const Endpoint site = endpoint("198.51.100.1:51820");
    wire.plug(server, site);
    std::vector<std::unique_ptr<Node>> clients;
    for (std::uint32_t i = 0; i < 10; ++i) {
        const Suite suite = i % 2 == 0 ? Suite::wireguard : Suite::hybrid;
        clients.push_back(std::make_unique<Node>(1000 + i, wire.clock));
        wire.plug(*clients.back(), outer_address(i));
        (void)clients.back()->meet(
            {.public_key = server.name(), .allowed_ips = {"10.64.0.0/16"}, .endpoint = site, .suite = suite});
        const std::string inner = inner_address(2 + i).to_string() + "/32";
        (void)server.meet({.public_key = clients.back()->name(), .allowed_ips = {inner}, .suite = suite});
    }
    for (std::uint32_t i = 0; i < 10; ++i) (void)clients[i]->send(letter(inner_address(2 + i), inner_address(1), i));
    wire.run_for(1s);
    CHECK(server.take_delivered().size() == 10);
    for (std::uint32_t i = 0; i < 10; ++i) {
        (void)clients[i]->send(letter(inner_address(2 + i), inner_address(2 + (i + 1) % 10), i));
        wire.run_for(1s);
        for (const ByteVector& packet : server.take_delivered()) (void)server.send(packet); // it routes them on
        wire.run_for(1s);
        const auto delivered = clients[(i + 1) % 10]->take_delivered();
        CHECK(delivered == std::vector<ByteVector>{letter(inner_address(2 + i), inner_address(2 + (i + 1) % 10), i)});
    }
    CHECK(server.drops(Drop::wrong_suite) == 0);
}
