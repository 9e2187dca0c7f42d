// What a client's `allowed_ips` may say: a prefix, or `!` and a prefix that is taken out of all the others of that peer.
// Refuses to know: routes, and who else has peers.
#pragma once

#include "common/base/ip.hpp"
#include "common/config/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::config {

/// One item, without host bits.
struct AllowedIp {
    Prefix prefix;
    bool excluded = false;

    /// `10.0.0.0/8`, or `!10.0.0.0/8`.
    static std::optional<AllowedIp> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const AllowedIp&, const AllowedIp&) = default;
};

/// Those that are excluded, or those that are not.
std::vector<Prefix> prefixes_of(const std::vector<AllowedIp>& list, bool excluded);

/// What goes through the tunnel: the list itself where it excludes nothing, else the fewest prefixes that say the same.
std::vector<Prefix> remaining(const std::vector<AllowedIp>& list);

/// An exclusion that does nothing, or undoes what is listed, is a slip of the hand. `where` is the list's own path.
std::optional<Problem> check_exclusions(const std::vector<AllowedIp>& list, const std::string& where);

/// One peer's part in check_overlaps.
struct PeerIps {
    /// As listed, exclusions among them; empty if there are none.
    const std::vector<AllowedIp>& written;
    const std::vector<Prefix>& remaining;
};

/// What remains after an exclusion is said in long prefixes, and these would win over another peer's shorter one that was meant
/// to come first. Says what to exclude, too.
std::optional<Problem> check_overlaps(const std::vector<PeerIps>& peers);

} // namespace vpn::config
