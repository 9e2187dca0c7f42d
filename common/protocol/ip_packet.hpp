// The few bytes of an inner packet that routing reads: version, length, source, destination. And the answer to a packet
// that no peer takes: ICMP destination unreachable (RFC 792, 1812), ICMPv6 likewise (RFC 4443).
// Refuses to know: everything above IP.
#pragma once

#include "common/base/ip.hpp"

#include <cstdint>
#include <optional>

namespace vpn::protocol {

struct IpPacket {
    Bytes bytes; ///< exactly the IP length: padding is cut off
    IpAddress source;
    IpAddress destination;
};

/// None unless the header is whole and its length fits into `bytes`.
[[nodiscard]] std::optional<IpPacket> parse_ip_packet(Bytes bytes);

enum class Unreachable : std::uint8_t {
    no_route, ///< no peer has this destination
    host,     ///< its peer has no endpoint
};

/// An ICMP error from `from` to the sender of `packet`, or nothing where RFC 1122 3.2.2 and RFC 4443 2.4 forbid one (to an ICMP
/// error or redirect, a multicast, a fragment that is not the first, a source that is no single host's). At most 576 (v4) or 1280
/// (v6) bytes.
[[nodiscard]] ByteVector make_unreachable(const IpPacket& packet, const IpAddress& from, Unreachable why);

} // namespace vpn::protocol
