// Policy rules: which routing table a packet is looked up in.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/strong.hpp"
#include "common/system/netlink.hpp"
#include "common/system/scoped.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vpn::system {

/// Compared under the mask.
struct MarkMatch {
    Mark value;
    Mark mask{0xffffffff};
    friend auto operator<=>(const MarkMatch&, const MarkMatch&) = default;
};

struct Rule {
    Family family = Family::v4;
    std::uint32_t priority = 0; ///< the smaller one is asked first
    std::uint32_t table = 0;    ///< zero: the rule does something other than look up a table
    std::optional<MarkMatch> mark;
    bool inverted = false; ///< for packets that do not match (`not fwmark ...`)
    /// Routes found with at most this many bits are passed over: 0 leaves out the default route.
    std::optional<std::uint32_t> suppress_prefix_length;
    std::optional<Prefix> source;
    std::optional<Prefix> destination;
    std::string in_interface;
    std::string out_interface;
    friend auto operator<=>(const Rule&, const Rule&) = default;
};

/// Errors: EEXIST; EAFNOSUPPORT where the kernel has no IPv6.
OsResult<void> add_rule(Netlink& netlink, const Rule& rule);
/// Deletes the first rule that agrees with `rule`; what `rule` leaves unset agrees with anything, so set the priority.
/// Errors: ENOENT if there is none.
OsResult<void> delete_rule(Netlink& netlink, const Rule& rule);
/// Both families, in the order the kernel asks them.
OsResult<std::vector<Rule>> list_rules(Netlink& netlink);

using ScopedRule = Scoped<Rule, &add_rule, &delete_rule>;

} // namespace vpn::system
