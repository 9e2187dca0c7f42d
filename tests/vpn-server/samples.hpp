// Configurations that the tests of this room share. The keys belong to nobody.
#pragma once

#include "common/config/server_config.hpp"
#include "common/crypto/x25519.hpp"
#include "tests/support/seeded_random.hpp"

#include <string>
#include <string_view>

namespace vpn::server::samples {

inline Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }
inline IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

inline std::vector<Prefix> prefixes(std::initializer_list<std::string_view> texts) {
    std::vector<Prefix> result;
    for (const std::string_view text : texts) result.push_back(prefix(text));
    return result;
}

/// A key that differs for every seed.
inline crypto::PublicKey public_key(std::uint64_t seed) {
    support::SeededRandom random(seed);
    return crypto::public_key_of(crypto::generate_private_key(random));
}

inline config::ServerPeer peer(const std::string& name, std::uint64_t seed, std::initializer_list<std::string_view> addresses,
                               std::initializer_list<std::string_view> behind = {}) {
    config::ServerPeer result;
    result.name = name;
    result.public_key = public_key(seed);
    result.addresses = prefixes(addresses);
    result.allowed_ips = prefixes(behind);
    return result;
}

/// The server of EXPERIENCE, with a laptop, and a gateway with a network behind it.
inline config::ServerConfig config() {
    support::SeededRandom random(1);
    config::ServerConfig result;
    result.interface.private_key = crypto::generate_private_key(random);
    result.interface.addresses = prefixes({"10.66.0.1/24", "fd66::1/64"});
    result.endpoint = config::HostPort{"vpn.example.org", Port{51820}};
    result.networks = prefixes({"10.66.0.0/24", "fd66::/64"});
    result.dns = {address("9.9.9.9")};
    result.peers.push_back(peer("laptop", 2, {"10.66.0.2/32", "fd66::2/128"}));
    result.peers.push_back(peer("gateway", 3, {"10.66.0.3/32"}, {"192.168.7.0/24"}));
    return result;
}

inline bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

} // namespace vpn::server::samples
