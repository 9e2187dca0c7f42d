// What a server's configuration must keep as a whole.
#include "common/config/limits.hpp"
#include "common/config/names.hpp"
#include "common/config/rules.hpp"
#include "common/config/server_config.hpp"
#include "common/crypto/x25519.hpp"

#include <algorithm>

namespace vpn::config {
namespace {

std::optional<Problem> check_networks(const std::vector<Prefix>& networks) {
    if (networks.empty()) return Problem{"networks", "\"networks\" is empty: peers' addresses must come from somewhere"};
    if (networks.size() > limits::networks)
        return Problem{"networks", "more than " + std::to_string(limits::networks) + " networks"};
    for (std::size_t i = 0; i < networks.size(); ++i)
        for (std::size_t k = 0; k < i; ++k)
            if (networks[i].overlaps(networks[k]))
                return Problem{item_path("networks", i),
                               "the network " + networks[i].to_string() + " overlaps " + networks[k].to_string()};
    return std::nullopt;
}

std::optional<Problem> check_names(const ServerConfig& config) {
    const std::string rule = "an interface's name must be " + std::string(interface_name_rule);
    if (!is_interface_name(config.interface.name)) return Problem{"interface.name", rule};
    if (config.nat.mode == Nat::Mode::interface && !is_interface_name(config.nat.interface)) return Problem{"nat", rule};
    if (config.nat.mode == Nat::Mode::interface && config.nat.interface == config.interface.name)
        return Problem{"nat", "\"nat\" names the tunnel itself: it must be the interface that leads to the internet"};
    return std::nullopt;
}

std::optional<Problem> check_old_key(const ServerInterface& interface) {
    if (!interface.old_key) return std::nullopt;
    const std::string where = "interface.old_key.private_key";
    if (interface.old_key->private_key.is_zero()) return Problem{where, "the old private key is missing or all zeros"};
    if (equal_in_constant_time(interface.old_key->private_key, interface.private_key))
        return Problem{where, "the old private key is the one that the server has: take \"old_key\" out"};
    return std::nullopt;
}

bool is_own(const ServerConfig& config, const Prefix& prefix) {
    const auto& own = config.interface.addresses;
    return prefix.bits() == prefix.address().width() &&
           std::any_of(own.begin(), own.end(), [&](const Prefix& p) { return p.address() == prefix.address(); });
}

std::optional<Problem> check_address(const ServerConfig& config, const Prefix& address, const std::string& where) {
    if (address.bits() != address.address().width())
        return Problem{where, "a peer's address must be a single host, " + address.address().to_string() + '/' +
                                  std::to_string(address.address().width()) + ", found " + address.to_string()};
    const auto holds = [&](const Prefix& network) { return network.contains(address.address()); };
    if (std::none_of(config.networks.begin(), config.networks.end(), holds))
        return Problem{where, "the address " + address.to_string() + " lies in none of \"networks\""};
    return std::nullopt;
}

std::optional<Problem> check_prefix(const ServerConfig& config, const Prefix& prefix, const std::string& where,
                                    PeerRules& rules) {
    if (is_own(config, prefix)) return Problem{where, "the address " + prefix.to_string() + " is the server's own"};
    return rules.add_prefix(prefix, where);
}

std::optional<Problem> check_peer(const ServerConfig& config, std::size_t index, PeerRules& rules) {
    const ServerPeer& peer = config.peers[index];
    if (peer.name.empty()) return Problem{peer_path(index, "name"), "a peer needs a name"};
    if (auto problem = rules.add_peer(peer.name, peer.public_key)) return problem;
    if (peer.addresses.empty() && peer.allowed_ips.empty())
        return Problem{peer_path(index, "addresses"),
                       "peer " + quote(peer.name) + " has neither \"addresses\" nor \"allowed_ips\""};
    for (std::size_t i = 0; i < peer.addresses.size(); ++i) {
        const std::string where = item_path(peer_path(index, "addresses"), i);
        if (auto problem = check_address(config, peer.addresses[i], where)) return problem;
        if (auto problem = check_prefix(config, peer.addresses[i], where, rules)) return problem;
    }
    for (std::size_t i = 0; i < peer.allowed_ips.size(); ++i) {
        const std::string where = item_path(peer_path(index, "allowed_ips"), i);
        if (auto problem = check_prefix(config, peer.allowed_ips[i], where, rules)) return problem;
    }
    return std::nullopt;
}

} // namespace

std::vector<crypto::PublicKey> own_public_keys(const ServerInterface& interface) {
    std::vector<crypto::PublicKey> keys{crypto::public_key_of(interface.private_key)};
    if (interface.old_key) keys.push_back(crypto::public_key_of(interface.old_key->private_key));
    return keys;
}

std::optional<Problem> check(const ServerConfig& config) {
    if (auto problem = check_names(config)) return problem;
    if (auto problem = check_private_key(config.interface.private_key)) return problem;
    if (auto problem = check_old_key(config.interface)) return problem;
    if (auto problem = check_addresses(config.interface.addresses, config.interface.mtu)) return problem;
    if (auto problem = check_networks(config.networks)) return problem;
    PeerRules rules(own_public_keys(config.interface));
    for (std::size_t i = 0; i < config.peers.size(); ++i)
        if (auto problem = check_peer(config, i, rules)) return problem;
    return std::nullopt;
}

} // namespace vpn::config
