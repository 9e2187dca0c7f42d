#include "common/config/rules.hpp"

#include "common/config/limits.hpp"
#include "common/config/names.hpp"

#include <algorithm>

namespace vpn::config {

std::string peer_path(std::size_t peer, std::string_view name) {
    return "peers[" + std::to_string(peer) + "]." + std::string(name);
}

std::string item_path(const std::string& list, std::size_t item) { return list + '[' + std::to_string(item) + ']'; }

std::optional<Problem> check_addresses(const std::vector<Prefix>& addresses, std::optional<std::uint16_t> mtu) {
    if (addresses.empty()) return Problem{"interface.addresses", "the interface needs at least one address"};
    if (addresses.size() > limits::addresses)
        return Problem{"interface.addresses", "more than " + std::to_string(limits::addresses) + " addresses"};
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const std::string where = item_path("interface.addresses", i);
        for (std::size_t k = 0; k < i; ++k)
            if (addresses[k].address() == addresses[i].address())
                return Problem{where, "the address " + addresses[i].address().to_string() + " is listed twice"};
    }
    const bool v6 = std::any_of(addresses.begin(), addresses.end(), [](const Prefix& p) { return p.family() == Family::v6; });
    if (v6 && mtu && *mtu < limits::smallest_ipv6_mtu)
        return Problem{"interface.mtu", "the MTU must be at least 1280 on an interface with IPv6, found " + std::to_string(*mtu)};
    return std::nullopt;
}

std::optional<Problem> check_private_key(const crypto::PrivateKey& key) {
    if (!key.is_zero()) return std::nullopt;
    return Problem{"interface.private_key", "the private key is missing or all zeros"};
}

std::string PeerRules::called(std::size_t peer) const {
    return names_[peer].empty() ? "peer " + std::to_string(peer + 1) : "peer " + quote(names_[peer]);
}

std::optional<Problem> PeerRules::add_peer(std::string_view name, const crypto::PublicKey& key) {
    const std::size_t peer = names_.size();
    names_.push_back(name);
    if (!name.empty() && !is_peer_name(name))
        return Problem{peer_path(peer, "name"),
                       "a peer's name must be " + std::string(peer_name_rule) + ", found " + quote(name)};
    if (!name.empty() && !by_name_.emplace(name, peer).second)
        return Problem{peer_path(peer, "name"), "the name " + quote(name) + " belongs to two peers"};
    const std::string where = peer_path(peer, "public_key");
    if (key == crypto::PublicKey{}) return Problem{where, "the public key of " + called(peer) + " is missing or all zeros"};
    if (std::ranges::find(own_, key) != own_.end())
        return Problem{where, "the public key of " + called(peer) + " is this side's own: it must be the other side's"};
    const auto [other, fresh] = by_key_.emplace(key, peer);
    if (!fresh) return Problem{where, "the public key of " + called(peer) + " already belongs to " + called(other->second)};
    return std::nullopt;
}

std::optional<Problem> PeerRules::add_prefix(const Prefix& prefix, const std::string& where) {
    const std::size_t peer = names_.size() - 1;
    const auto [other, fresh] = by_prefix_.emplace(prefix.network(), peer);
    if (fresh) return std::nullopt;
    if (other->second == peer) return Problem{where, prefix.to_string() + " is listed twice for " + called(peer)};
    return Problem{where, prefix.to_string() + " of " + called(peer) + " already belongs to " + called(other->second)};
}

} // namespace vpn::config
