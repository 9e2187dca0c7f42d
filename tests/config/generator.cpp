#include "tests/config/generator.hpp"

#include <algorithm>
#include <cmath>

namespace vpn::config {

IpAddress Generator::address(Family family) {
    if (family == Family::v4) return IpAddress::v4(bytes<4>());
    ByteArray<16> bytes16 = bytes<16>();
    if (maybe()) std::fill(bytes16.begin() + 2, bytes16.begin() + static_cast<std::ptrdiff_t>(2 + below(14)), std::byte{0});
    return IpAddress::v6(bytes16);
}

Prefix Generator::prefix(Family family, unsigned min_bits) {
    const IpAddress base = address(family);
    return {base, min_bits + static_cast<unsigned>(below(base.width() - min_bits + 1))};
}

/// Any characters, invalid UTF-8 excepted.
std::string Generator::text() {
    static const std::vector<std::string> pieces{"a",
                                                 "Z",
                                                 "0",
                                                 " ",
                                                 "\"",
                                                 "\\",
                                                 "/",
                                                 "\n",
                                                 "\r",
                                                 "\t",
                                                 "\x1b",
                                                 "\x7f",
                                                 "é",
                                                 "ł",
                                                 "\xe2\x80\xae",
                                                 "\xef\xbf\xbf",
                                                 "😀",
                                                 std::string(1, '\0')};
    std::string result;
    for (std::uint64_t i = below(12); i > 0; --i) result += pieces[below(pieces.size())];
    return result;
}

std::string Generator::word(std::string_view letters, std::size_t longest) {
    std::string result;
    for (std::uint64_t i = 1 + below(longest); i > 0; --i) result += letters[below(letters.size())];
    return result;
}

Json Generator::json(int depth) {
    switch (below(depth > 0 ? 7 : 5)) {
    case 0: return {};
    case 1: return maybe();
    case 2: {
        const std::uint64_t bits = engine_();
        return static_cast<std::int64_t>(bits >> below(64));
    }
    case 3: {
        const auto mantissa = static_cast<double>(static_cast<std::int64_t>(engine_()));
        return std::ldexp(mantissa, static_cast<int>(below(600)) - 300);
    }
    case 4: return text();
    case 5: {
        Json list = Json::array();
        for (std::uint64_t i = below(20); i > 0; --i) list.push(json(depth - 1));
        return list;
    }
    default: {
        Json object = Json::object();
        for (std::uint64_t i = below(8); i > 0; --i) {
            std::string key = text();
            object.set(std::move(key), json(depth - 1));
        }
        return object;
    }
    }
}

std::vector<IpAddress> Generator::dns() {
    std::vector<IpAddress> list;
    for (std::uint64_t i = below(4); i > 0; --i) list.push_back(address(family()));
    return list;
}

std::vector<std::string> Generator::dns_domains() {
    std::vector<std::string> list;
    for (std::uint64_t i = below(4); i > 0; --i) list.push_back((maybe() ? "~" : "") + word("az09", 9) + "x." + word("xyz", 9));
    if (maybe()) list.emplace_back("~.");
    return list;
}

std::optional<std::uint16_t> Generator::mtu() {
    return maybe() ? std::optional(static_cast<std::uint16_t>(1280 + below(65536 - 1280))) : std::nullopt;
}

HostPort Generator::endpoint() {
    switch (below(3)) {
    case 0: return {address(Family::v4).to_string(), port()};
    case 1: return {address(Family::v6).to_string(), port()};
    default: break;
    }
    std::string host = 'a' + word("abc-_09", 40);
    host += "x." + word("xyz", 10);
    return {std::move(host), port()};
}

/// Takes the lower half out of the first allowed IP.
void Generator::exclude_half(ClientPeer& peer) {
    for (const Prefix& prefix : peer.allowed_ips) peer.written_ips.push_back({prefix, false});
    const Prefix& first = peer.allowed_ips[0];
    peer.written_ips.insert(peer.written_ips.begin() + static_cast<std::ptrdiff_t>(below(2)),
                            {Prefix(first.address(), first.bits() + 1), true});
    peer.allowed_ips = remaining(peer.written_ips);
}

ClientPeer Generator::client_peer(std::size_t index) {
    ClientPeer peer;
    if (maybe()) {
        peer.name = word("aZ. '\"\\", 9);
        if (maybe()) peer.name += "łódź 😀";
        peer.name += std::to_string(index);
    }
    if (peer.name.starts_with(' ')) peer.name.front() = '.';
    peer.public_key = public_key();
    peer.public_key_file = key_file();
    if (maybe()) {
        peer.preshared_key = secret<crypto::PresharedKey>();
        peer.preshared_key_file = key_file();
    }
    if (index == 0 || maybe()) peer.endpoint = endpoint();
    if (peer.endpoint && maybe())
        for (std::uint64_t i = below(8); i > 0; --i) peer.more_endpoints.push_back(endpoint());
    for (std::uint64_t i = 1 + below(5); i > 0; --i) peer.allowed_ips.push_back(prefix(family(), 24).network());
    if (maybe() && peer.allowed_ips[0].bits() < 32) exclude_half(peer);
    peer.persistent_keepalive = std::chrono::seconds(maybe() ? below(65536) : 0);
    return peer;
}

ClientConfig Generator::client() {
    ClientConfig config;
    ClientInterface& interface = config.interface;
    if (maybe()) interface.name = "x" + word("AZaz09_=+.-", 14);
    interface.private_key = secret<crypto::PrivateKey>();
    interface.private_key_file = key_file();
    if (maybe()) interface.listen_port = port();
    for (std::uint64_t i = 1 + below(4); i > 0; --i) interface.addresses.push_back(prefix(family(), 0));
    interface.dns = dns();
    interface.dns_domains = dns_domains();
    interface.mtu = mtu();
    interface.offloads = maybe();
    interface.routes = maybe();
    if (maybe()) interface.probe = address(family());
    if (maybe())
        interface.portal_check.reset();
    else if (maybe())
        interface.portal_check = HttpUrl{{"check.example", port()}, "/" + word("az09?=&%", 20)};
    const std::size_t peers = 1 + below(5);
    for (std::size_t i = 0; i < peers; ++i) config.peers.push_back(client_peer(i));
    return config;
}

ServerPeer Generator::server_peer(std::size_t index) {
    ServerPeer peer;
    peer.name = std::to_string(index) + word("aZ.", 20);
    peer.public_key = public_key();
    peer.public_key_file = key_file();
    if (maybe()) {
        peer.preshared_key = secret<crypto::PresharedKey>();
        peer.preshared_key_file = key_file();
    }
    ByteArray<4> host{std::byte{10}, std::byte{66}, static_cast<std::byte>(index), static_cast<std::byte>(2 + below(200))};
    peer.addresses.emplace_back(IpAddress::v4(host), 32);
    for (std::uint64_t i = below(3); i > 0; --i) peer.allowed_ips.push_back(prefix(family(), 24).network());
    if (maybe()) peer.limits.expires = Wall(std::chrono::seconds(below(7'000'000'000)));
    if (maybe()) peer.limits.quota = ByteCount{1 + below(1U << 30U)};
    if (maybe()) peer.limits.rate = BitRate{1000 + below(1U << 30U)};
    peer.disabled = maybe();
    return peer;
}

ServerConfig Generator::server() {
    ServerConfig config;
    config.interface.name = "s" + word("AZaz09_=+.-", 14);
    config.interface.private_key = secret<crypto::PrivateKey>();
    config.interface.private_key_file = key_file();
    if (maybe())
        config.interface.old_key =
            OldKey{secret<crypto::PrivateKey>(), key_file(), Wall(std::chrono::seconds(below(7'000'000'000)))};
    config.interface.listen_port = port();
    config.interface.addresses = {*Prefix::parse("10.66.0.1/16"), *Prefix::parse("fd66::1/64")};
    config.interface.mtu = mtu();
    config.interface.offloads = maybe();
    if (maybe()) config.endpoint = endpoint();
    config.networks = {*Prefix::parse("10.66.0.0/16"), *Prefix::parse("fd66::/64")};
    config.dns = dns();
    config.nat.mode = static_cast<Nat::Mode>(below(3));
    if (config.nat.mode == Nat::Mode::interface) config.nat.interface = 'e' + word("th0.-", 14);
    config.isolate_peers = maybe();
    for (std::uint64_t i = below(4); i > 0; --i)
        config.host_services.push_back({maybe() ? HostService::Protocol::tcp : HostService::Protocol::udp, port()});
    if (maybe()) config.host_services.push_back({});
    if (maybe()) config.max_connections = static_cast<std::uint32_t>(below(1'000'001));
    config.firewall_exceptions = maybe();
    if (maybe())
        config.metrics =
            maybe() ? MetricsAddress{"/run/" + word("az.-", 20)} : MetricsAddress{Endpoint{*IpAddress::parse("::1"), port()}};
    const std::size_t peers = below(6);
    for (std::size_t i = 0; i < peers; ++i) config.peers.push_back(server_peer(i));
    return config;
}

} // namespace vpn::config
