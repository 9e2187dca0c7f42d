// A way between two sockets: where the other side is, and which of our addresses it knows us by. And what routers on it tell.
#pragma once

#include "common/base/ip.hpp"

#include <compare>
#include <cstdint>

namespace vpn {

/// Our address and interface as a datagram found them (IP_PKTINFO). Answers leave from there, so that a NAT on the way
/// recognises them. Interface zero: not known, the kernel chooses.
struct LocalSource {
    IpAddress address;
    std::uint32_t interface = 0;
    friend auto operator<=>(const LocalSource&, const LocalSource&) = default;
};

/// The last two bits of an IP header's traffic class (RFC 3168): whether the sender heeds marks, and whether a router set one.
enum class Ecn : std::uint8_t { not_capable = 0, capable_1 = 1, capable_0 = 2, congested = 3 };

struct Path {
    Endpoint remote;
    LocalSource local;
    friend auto operator<=>(const Path&, const Path&) = default;
};

} // namespace vpn
