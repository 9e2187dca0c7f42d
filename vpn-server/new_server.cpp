#include "vpn-server/new_server.hpp"

#include "common/crypto/x25519.hpp"

namespace vpn::server {
namespace {

/// fd, 40 random bits, subnet zero (RFC 4193 3.2.1).
Prefix random_local_network(Random& random) {
    ByteArray<16> bytes{};
    random.fill(MutableBytes(bytes).subspan(1, 5));
    bytes[0] = std::byte{0xfd};
    return {IpAddress::v6(bytes), 64};
}

/// The first host, with the network's length.
Result<Prefix> first_host(const Prefix& network) {
    if (network.address().width() - network.bits() < 2)
        return failed("the network " + network.to_string() + " has no room for a server and a peer");
    ByteArray<16> bytes{};
    copy(network.network().address().bytes(), bytes);
    bytes[network.address().bytes().size() - 1] |= std::byte{1};
    const IpAddress address = network.address().is_v4() ? IpAddress::v4(std::span(bytes).first<4>()) : IpAddress::v6(bytes);
    return Prefix(address, network.bits());
}

} // namespace

Result<config::ServerConfig> new_server(const NewServer& wishes, Random& random) {
    config::ServerConfig config;
    config.interface.name = wishes.interface;
    config.interface.listen_port = wishes.listen_port;
    config.interface.private_key = crypto::generate_private_key(random);
    config.endpoint = wishes.endpoint;
    config.dns = wishes.dns;
    config.networks = {wishes.network.value_or(*Prefix::parse("10.66.0.0/24")).network(),
                       wishes.network6 ? wishes.network6->network() : random_local_network(random)};
    for (const Prefix& network : config.networks) {
        auto own = first_host(network);
        if (!own) return tl::unexpected(own.error());
        config.interface.addresses.push_back(*own);
    }
    if (const auto problem = config::check(config)) return failed(problem->message);
    return config;
}

} // namespace vpn::server
