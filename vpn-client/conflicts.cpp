#include "vpn-client/conflicts.hpp"

#include "vpn-client/network_plan.hpp"

#include <algorithm>
#include <set>

namespace vpn::client {
namespace {

/// Prefixes of which overlaps are found in logarithmic time.
class PrefixSet {
  public:
    explicit PrefixSet(const std::vector<Prefix>& prefixes) {
        for (const Prefix& prefix : prefixes) prefixes_.insert(prefix.network());
    }

    [[nodiscard]] std::optional<Prefix> around(const Prefix& prefix) const {
        for (unsigned bits = 0; bits <= prefix.bits(); ++bits) {
            const auto found = prefixes_.find(Prefix(prefix.address(), bits).network());
            if (found != prefixes_.end()) return *found;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<Prefix> overlapping(const Prefix& prefix) const {
        if (const auto larger = around(prefix)) return larger;
        const auto within = prefixes_.lower_bound(prefix.network());
        if (within != prefixes_.end() && prefix.overlaps(*within)) return *within;
        return std::nullopt;
    }

  private:
    std::set<Prefix> prefixes_;
};

bool is_full(const Claim& claim, Family family) {
    return std::ranges::find(claim.full_families, family) != claim.full_families.end();
}

/// What a claim asks for by name, and what an exclusion leaves of a full tunnel, which wins where it is longer.
struct Sorted {
    std::vector<Prefix> named;
    std::vector<Prefix> pieces;
};

Sorted sorted(const Claim& claim) {
    Sorted sorted;
    for (const Prefix& prefix : claim.allowed_ips) {
        const bool full = is_full(claim, prefix.family());
        if (full && !is_full_tunnel(claim.allowed_ips, prefix.family()))
            sorted.pieces.push_back(prefix);
        else if (!full || prefix.bits() > 1)
            sorted.named.push_back(prefix);
    }
    return sorted;
}

std::optional<std::string> conflict_with(const Claim& claim, const OtherConnection& other) {
    for (const Family family : {Family::v4, Family::v6})
        if (is_full(claim, family) && is_full(other.claim, family))
            return other.name + " is connected and is a full tunnel too; there can be one: vpn-client disconnect " + other.name;
    const auto told = [&other](const Prefix& theirs, const Prefix& ours) {
        return other.name + " is connected and takes " + theirs.to_string() + ", which overlaps " + ours.to_string() +
               " of allowed_ips; vpn-client disconnect " + other.name;
    };
    const Sorted ours = sorted(claim);
    const Sorted theirs = sorted(other.claim);
    const PrefixSet named(theirs.named);
    for (const Prefix& prefix : ours.named)
        if (const auto overlap = named.overlapping(prefix)) return told(*overlap, prefix);
    for (const Prefix& piece : ours.pieces)
        if (const auto overlap = named.around(piece)) return told(*overlap, piece);
    const PrefixSet own(ours.named);
    for (const Prefix& piece : theirs.pieces)
        if (const auto overlap = own.around(piece)) return told(piece, *overlap);
    return std::nullopt;
}

} // namespace

std::optional<std::string> find_conflict(const Claim& claim, const std::vector<OtherConnection>& others) {
    for (const OtherConnection& other : others)
        if (auto conflict = conflict_with(claim, other)) return conflict;
    return std::nullopt;
}

} // namespace vpn::client
