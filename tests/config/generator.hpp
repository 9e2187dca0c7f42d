// Configurations that nobody would think of, from a seed: every value that the rules allow is drawn now and then.
#pragma once

#include "common/config/client_config.hpp"
#include "common/config/json.hpp"
#include "common/config/server_config.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace vpn::config {

class Generator {
  public:
    explicit Generator(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t end) { return engine_() % end; }
    bool maybe() { return below(2) == 0; }
    Port port() { return Port{static_cast<std::uint16_t>(1 + below(65535))}; }

    Json json(int depth);
    ClientConfig client();
    ServerConfig server();

  private:
    template <std::size_t N> ByteArray<N> bytes();
    crypto::PublicKey public_key() { return {bytes<32>()}; }
    template <class Key> Key secret() { return Key(bytes<32>()); }
    IpAddress address(Family family);
    Prefix prefix(Family family, unsigned min_bits);
    Family family() { return maybe() ? Family::v4 : Family::v6; }
    std::string text();
    std::string word(std::string_view letters, std::size_t longest);
    std::string key_file() { return below(4) == 0 ? "/" + word("abc./ -_", 30) : ""; }
    std::vector<IpAddress> dns();
    std::vector<std::string> dns_domains();
    std::optional<std::uint16_t> mtu();
    HostPort endpoint();
    ClientPeer client_peer(std::size_t index);
    void exclude_half(ClientPeer& peer);
    ServerPeer server_peer(std::size_t index);

    std::mt19937_64 engine_;
};

template <std::size_t N> ByteArray<N> Generator::bytes() {
    ByteArray<N> result{};
    for (std::byte& byte : result) byte = static_cast<std::byte>(below(256));
    return result;
}

} // namespace vpn::config
