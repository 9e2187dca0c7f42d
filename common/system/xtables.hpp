// The tables of iptables-legacy, as the kernel holds them (linux/netfilter_ipv4/ip_tables.h): nftables shows none of them.
// To ask the kernel for such a table makes it, and loads its module: so only one that is listed as there is asked for.
// Refuses to know: what an entry says. Nothing is ever changed.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace vpn::system {

/// A table named `filter`, of the network namespace that it was read in.
struct Xtable {
    Family family = Family::v4;
    /// A bit for each hook (NF_INET_LOCAL_IN and so on) at which it has a chain.
    std::uint32_t hooks = 0;
    /// Of each hook's chain, where in `entries` its first entry is, and where its last, which is its policy. Bytes.
    std::array<std::uint32_t, 5> first{};
    std::array<std::uint32_t, 5> last{};
    /// ipt_entry or ip6t_entry, one behind the other; their counters, which change by themselves, are zero.
    std::vector<std::byte> entries;
    friend bool operator==(const Xtable&, const Xtable&) = default;
};

/// Nothing if there is none. Needs CAP_NET_ADMIN, and root's right to read /proc. Errors: what the kernel said; more entries
/// than any firewall has; no memory for them.
Result<std::optional<Xtable>> read_xtable(Family family);

} // namespace vpn::system
