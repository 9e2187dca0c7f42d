// One entry of a table of iptables-legacy: its parts, each found within its bounds, whichever family it is of. The layout is that
// of linux/netfilter_ipv4/ip_tables.h and linux/netfilter_ipv6/ip6_tables.h: an entry, its matches, its target.
// Refuses to know: what matches and targets mean.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ip.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace vpn::server {

/// The condition that an entry itself has.
struct LegacyCondition {
    Bytes source, source_mask;
    Bytes destination, destination_mask;
    Bytes in, in_mask;
    Bytes out, out_mask;
    std::uint16_t protocol = 0; ///< zero: any
    bool fragments = false;     ///< all but the first of a packet's
    std::uint8_t inverted = 0;  ///< IPT_INV_*
};

struct LegacyMatch {
    std::string name;
    unsigned revision = 0;
    Bytes data;
};

/// Views of the table's bytes.
struct LegacyEntry {
    std::size_t at = 0; ///< in the table
    std::size_t next = 0;
    LegacyCondition condition;
    bool goes = false; ///< where another one jumps
    std::vector<LegacyMatch> matches;
    std::string target; ///< its name: none for a verdict or a jump
    Bytes data;         ///< and what stands behind that
};

/// Every entry of a table; nothing if a size leads out of it, or out of an entry.
std::optional<std::vector<LegacyEntry>> legacy_entries(Family family, Bytes table);

/// A structure of the kernel's at the start of `bytes`; nothing if they are too few.
template <class T> std::optional<T> taken(Bytes bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/// Up to the first zero.
std::string text_in(Bytes bytes);

} // namespace vpn::server
