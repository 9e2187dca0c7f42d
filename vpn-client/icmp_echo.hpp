// ICMP and ICMPv6 echo (RFC 792, RFC 4443): the question and its answer, as bytes. Pure.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ip.hpp"

#include <cstdint>
#include <optional>

namespace vpn::client {

struct Echo {
    std::uint16_t identifier = 0;
    std::uint16_t sequence = 0;
    friend bool operator==(const Echo&, const Echo&) = default;
};

/// The sum of RFC 1071 over `bytes`, as it stands in a header. Zero over a message that holds its own right sum.
std::uint16_t internet_checksum(Bytes bytes);

/// An echo request with a few bytes behind it. The checksum is filled in for ICMP; the kernel does it for ICMPv6.
ByteVector encode_echo_request(Family family, Echo echo);

/// The echo that `message` answers. None if it is no echo reply, or for ICMP if its checksum is wrong (the kernel checks
/// ICMPv6's).
std::optional<Echo> decode_echo_reply(Family family, Bytes message);

/// The IP packet of an echo request, `size` bytes in all, that any router may fragment. Both checksums are filled in.
/// Requires: addresses of one family; `size` has room for the headers.
ByteVector encode_echo_packet(const IpAddress& source, const IpAddress& destination, Echo echo, std::size_t size);

/// An answer as it came, and from whom.
struct EchoReply {
    IpAddress source;
    Echo echo;
    friend bool operator==(const EchoReply&, const EchoReply&) = default;
};

/// The echo reply that this IP packet is, or whose first fragment it is; it may be cut off behind the ICMP header. No checksum is
/// looked at.
std::optional<EchoReply> find_echo_reply(Bytes packet);

/// What follows the IPv4 header that a raw socket hands over with the message. Empty if it is no whole IPv4 header.
Bytes without_ipv4_header(Bytes packet);

} // namespace vpn::client
