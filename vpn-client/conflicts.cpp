#include "vpn-client/conflicts.hpp"

#include "vpn-client/network_plan.hpp"

#include <set>

namespace vpn::client {
namespace {

/// Prefixes of which overlaps are found in logarithmic time.
class PrefixSet {
  public:
    explicit PrefixSet(const std::vector<Prefix>& prefixes) {
        for (const Prefix& prefix : prefixes) prefixes_.insert(prefix.network());
    }

    [[nodiscard]] std::optional<Prefix> overlapping(const Prefix& prefix) const {
        for (unsigned bits = 0; bits <= prefix.bits(); ++bits) {
            const auto around = prefixes_.find(Prefix(prefix.address(), bits).network());
            if (around != prefixes_.end()) return *around;
        }
        const auto within = prefixes_.lower_bound(prefix.network());
        if (within != prefixes_.end() && prefix.overlaps(*within)) return *within;
        return std::nullopt;
    }

  private:
    std::set<Prefix> prefixes_;
};

/// Without what makes a full tunnel full.
std::vector<Prefix> particular(const std::vector<Prefix>& allowed_ips) {
    std::vector<Prefix> rest;
    for (const Prefix& prefix : allowed_ips)
        if (prefix.bits() > 1 || !is_full_tunnel(allowed_ips, prefix.family())) rest.push_back(prefix);
    return rest;
}

std::optional<std::string> conflict_with(const std::vector<Prefix>& allowed_ips, const OtherConnection& other) {
    for (const Family family : {Family::v4, Family::v6})
        if (is_full_tunnel(allowed_ips, family) && is_full_tunnel(other.allowed_ips, family))
            return other.name + " is connected and is a full tunnel too; there can be one: vpn-client disconnect " + other.name;
    const PrefixSet theirs(particular(other.allowed_ips));
    for (const Prefix& prefix : particular(allowed_ips))
        if (const auto overlap = theirs.overlapping(prefix))
            return other.name + " is connected and takes " + overlap->to_string() + ", which overlaps " + prefix.to_string() +
                   " of allowed_ips; vpn-client disconnect " + other.name;
    return std::nullopt;
}

} // namespace

std::optional<std::string> find_conflict(const std::vector<Prefix>& allowed_ips, const std::vector<OtherConnection>& others) {
    for (const OtherConnection& other : others)
        if (auto conflict = conflict_with(allowed_ips, other)) return conflict;
    return std::nullopt;
}

} // namespace vpn::client
