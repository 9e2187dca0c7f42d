// A way between two sockets: where the other side is, and which of our addresses it knows us by.
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

struct Path {
    Endpoint remote;
    LocalSource local;
    friend auto operator<=>(const Path&, const Path&) = default;
};

} // namespace vpn
