#include "vpn-server/connection_counts.hpp"

#include "common/config/json.hpp"

#include <optional>

namespace vpn::server {
namespace {

using config::Json;

/// `{"elem": {"val": "10.66.0.2", "counter": {"packets": 3, ...}}}`
void add_element(const Json& item, AddressCounts& counts) {
    const Json* element = item.find("elem");
    const Json* counter = element != nullptr ? element->find("counter") : nullptr;
    const auto value = element != nullptr ? element->string_at("val") : std::nullopt;
    const auto address = value ? IpAddress::parse(*value) : std::nullopt;
    const auto packets = counter != nullptr ? counter->integer_at("packets") : std::nullopt;
    if (address && packets && *packets > 0) counts[*address] += static_cast<std::uint64_t>(*packets);
}

/// Whose address it is: the longest prefix counts, as for the engine.
std::optional<std::size_t> peer_of(const IpAddress& address, const config::ServerConfig& config) {
    std::optional<std::size_t> best;
    unsigned bits = 0;
    const auto look = [&](const std::vector<Prefix>& prefixes, std::size_t peer) {
        for (const Prefix& prefix : prefixes) {
            if (!prefix.contains(address) || (best && prefix.bits() <= bits)) continue;
            best = peer;
            bits = prefix.bits();
        }
    };
    for (std::size_t i = 0; i < config.peers.size(); ++i) {
        look(config.peers[i].addresses, i);
        look(config.peers[i].allowed_ips, i);
    }
    return best;
}

} // namespace

Result<void> add_counts(std::string_view json, AddressCounts& counts) {
    const auto listing = config::parse(json, config::JsonLimits::large());
    if (!listing) return failed("cannot read nft's list: " + listing.error().message);
    const Json* items = listing->find("nftables");
    if (items == nullptr || items->as_array() == nullptr) return failed("cannot read nft's list: it has none");
    for (const Json& item : *items->as_array()) {
        const Json* set = item.find("set");
        const Json* elements = set != nullptr ? set->find("elem") : nullptr;
        if (elements == nullptr || elements->as_array() == nullptr) continue;
        for (const Json& element : *elements->as_array()) add_element(element, counts);
    }
    return {};
}

std::vector<std::uint64_t> counts_by_peer(const AddressCounts& counts, const config::ServerConfig& config) {
    std::vector<std::uint64_t> by_peer(config.peers.size());
    for (const auto& [address, packets] : counts)
        if (const auto peer = peer_of(address, config)) by_peer[*peer] += packets;
    return by_peer;
}

std::uint64_t sum_of(const AddressCounts& counts) {
    std::uint64_t sum = 0;
    for (const auto& [address, packets] : counts) sum += packets;
    return sum;
}

} // namespace vpn::server
