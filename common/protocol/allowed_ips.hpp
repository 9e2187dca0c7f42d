// Which peer owns which inner addresses (cryptokey routing, PROTOCOL 3; WireGuard paper 2).
// `AllowedIps` is what configuration changes; `RouteTable` is made from it, never changes, and any thread may read it.
// Refuses to know: what a peer is. The table's maker says what stands behind an address.
#pragma once

#include "common/base/ip.hpp"
#include "common/protocol/session.hpp"

#include <algorithm>
#include <concepts>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace vpn::protocol {

/// Every prefix belongs to one peer; giving it to another takes it from the first. No call looks at more than one peer's
/// prefixes.
class AllowedIps {
  public:
    void assign(const Prefix& prefix, PeerId peer) {
        const Prefix network = prefix.network();
        const auto [entry, fresh] = owners_.try_emplace(network, peer);
        if (!fresh) forget(network, std::exchange(entry->second, peer));
        prefixes_[peer].insert(network);
    }
    /// Takes the prefix away if it is this peer's.
    void remove(const Prefix& prefix, PeerId peer) {
        const auto found = owners_.find(prefix.network());
        if (found == owners_.end() || found->second != peer) return;
        forget(found->first, peer);
        owners_.erase(found);
    }
    void remove_all(PeerId peer) {
        const auto gone = prefixes_.extract(peer);
        if (!gone) return;
        for (const Prefix& prefix : gone.mapped()) owners_.erase(prefix);
    }
    [[nodiscard]] std::vector<Prefix> of(PeerId peer) const {
        const auto found = prefixes_.find(peer);
        if (found == prefixes_.end()) return {};
        return {found->second.begin(), found->second.end()};
    }
    [[nodiscard]] const std::map<Prefix, PeerId>& entries() const { return owners_; }

  private:
    void forget(const Prefix& network, PeerId peer) {
        const auto found = prefixes_.find(peer);
        found->second.erase(network);
        if (found->second.empty()) prefixes_.erase(found);
    }
    std::map<Prefix, PeerId> owners_;
    std::map<PeerId, std::set<Prefix>> prefixes_; ///< the same, the other way round
};

/// Longest match over immutable hash tables, one per prefix length in use, longest first. `Value` is a cheap handle whose
/// default means nobody.
template <class Value> class RouteTable {
  public:
    RouteTable() = default;

    /// `value_of(PeerId) -> Value` names what stands behind a peer.
    template <std::invocable<PeerId> ValueOf> RouteTable(const AllowedIps& owners, ValueOf value_of) {
        for (const auto& [prefix, peer] : owners.entries())
            level(prefix).entries.push_back({prefix.address().masked(prefix.bits()), value_of(peer)});
        for (auto* levels : {&v4_, &v6_}) {
            std::sort(levels->begin(), levels->end(), [](const Level& a, const Level& b) { return a.bits > b.bits; });
            for (Level& each : *levels) each.index();
        }
    }

    /// The value of the longest prefix that holds `address`, else Value{}. Thread-safe.
    [[nodiscard]] Value find(const IpAddress& address) const {
        for (const Level& level : address.is_v4() ? v4_ : v6_) {
            const IpAddress network = address.masked(level.bits);
            for (std::size_t slot = hash(network) & level.mask;; slot = (slot + 1) & level.mask) {
                const std::uint32_t entry = level.slots[slot];
                if (entry == 0) break;
                if (level.entries[entry - 1].network == network) return level.entries[entry - 1].value;
            }
        }
        return Value{};
    }

  private:
    struct Entry {
        IpAddress network;
        Value value;
    };
    struct Level {
        unsigned bits = 0;
        std::vector<Entry> entries;
        std::vector<std::uint32_t> slots; ///< 1 + index into entries; 0 is empty; at most half full
        std::size_t mask = 0;
        void index() {
            std::size_t size = 2;
            while (size < entries.size() * 2) size *= 2;
            slots.assign(size, 0);
            mask = size - 1;
            for (std::uint32_t i = 0; i < entries.size(); ++i) {
                std::size_t slot = hash(entries[i].network) & mask;
                while (slots[slot] != 0) slot = (slot + 1) & mask;
                slots[slot] = i + 1;
            }
        }
    };

    static std::size_t hash(const IpAddress& address) {
        const Bytes bytes = address.bytes();
        std::uint64_t mixed = load_be<std::uint32_t>(bytes.data());
        if (!address.is_v4()) {
            const std::uint64_t high = load_be<std::uint64_t>(bytes.data()) * 0xff51afd7ed558ccdULL;
            mixed = (high ^ high >> 32U) + load_be<std::uint64_t>(bytes.data() + 8);
        }
        mixed *= 0x9e3779b97f4a7c15ULL;
        return mixed ^ mixed >> 32U;
    }

    Level& level(const Prefix& prefix) {
        auto& levels = prefix.address().is_v4() ? v4_ : v6_;
        const auto found = std::find_if(levels.begin(), levels.end(), [&](const Level& l) { return l.bits == prefix.bits(); });
        if (found != levels.end()) return *found;
        levels.emplace_back().bits = prefix.bits();
        return levels.back();
    }

    std::vector<Level> v4_;
    std::vector<Level> v6_;
};

} // namespace vpn::protocol
