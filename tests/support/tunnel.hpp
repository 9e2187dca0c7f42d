// The usual two: a client that knows where its server is, and a server that learns where its client is.
#pragma once

#include "tests/support/letters.hpp"
#include "tests/support/wire.hpp"

#include <memory>

namespace vpn::support {

struct Tunnel {
    static constexpr std::uint64_t client_seed = 101;
    static constexpr std::uint64_t server_seed = 202;

    explicit Tunnel(std::uint64_t weather_seed = 1) : wire(weather_seed) {
        restart_server();
        restart_client();
    }

    Wire wire;
    const Endpoint home = endpoint("192.0.2.10:40000");
    const Endpoint site = endpoint("198.51.100.1:51820");
    const IpAddress client_ip = ip("10.66.0.2");
    const IpAddress server_ip = ip("10.66.0.1");
    const IpAddress client_ip6 = ip("fd66::2");
    const IpAddress server_ip6 = ip("fd66::1");

    /// A new process with the old configuration, with what it kept of the old one's memory: its timestamps, or nothing.
    void restart_client(const std::vector<protocol::Timestamps>& kept = {}) {
        if (client) wire.unplug(*client);
        client = std::make_unique<Node>(Node::key_from(client_seed), client_seed + ++starts_, wire.clock);
        wire.plug(*client, home);
        server_id = client->meet({.public_key = crypto::public_key_of(Node::key_from(server_seed)),
                                  .allowed_ips = {"0.0.0.0/0", "::/0"},
                                  .endpoint = site,
                                  .persistent_keepalive = persistent_keepalive});
        client->configure([&](protocol::Device& device, Now, protocol::Outbox&) { device.restore(kept); });
    }
    void restart_server(const std::vector<protocol::Timestamps>& kept = {}) {
        if (server) wire.unplug(*server);
        server = std::make_unique<Node>(Node::key_from(server_seed), server_seed + ++starts_, wire.clock);
        wire.plug(*server, site);
        client_id = server->meet(
            {.public_key = crypto::public_key_of(Node::key_from(client_seed)), .allowed_ips = {"10.66.0.2/32", "fd66::2/128"}});
        server->configure([&](protocol::Device& device, Now, protocol::Outbox&) { device.restore(kept); });
    }

    tun::Outgoing client_sends(std::uint64_t number = 1) { return client->send(letter(client_ip, server_ip, number)); }
    tun::Outgoing server_sends(std::uint64_t number = 1) { return server->send(letter(server_ip, client_ip, number)); }
    /// The numbers of the letters that arrived since the last call. Fails on any other packet.
    std::vector<std::uint64_t> server_received() { return numbers(*server, client_ip, server_ip); }
    std::vector<std::uint64_t> client_received() { return numbers(*client, server_ip, client_ip); }

    /// The client sends a letter, and it arrives. Afterwards both have a session.
    bool connect() {
        client_sends(0);
        wire.run_for(std::chrono::seconds(1));
        return server_received() == std::vector<std::uint64_t>{0} && client->has_session(server_id) &&
               server->has_session(client_id);
    }

    std::unique_ptr<Node> client;
    std::unique_ptr<Node> server;
    protocol::PeerId server_id{}; ///< as the client calls it
    protocol::PeerId client_id{};
    std::chrono::seconds persistent_keepalive{0};

  private:
    static std::vector<std::uint64_t> numbers(Node& node, const IpAddress& from, const IpAddress& to) {
        std::vector<std::uint64_t> all;
        for (const ByteVector& packet : node.take_delivered()) all.push_back(number_of(packet, from, to).value());
        return all;
    }
    std::uint64_t starts_ = 0;
};

} // namespace vpn::support
