// Where the headers of a TCP or UDP packet are, and the fields that splitting and coalescing change.
// Refuses to know: packets with fragments or IPv6 extension headers; nothing is merged or split in those.
#pragma once

#include "common/base/bytes.hpp"

#include <cstdint>
#include <optional>

namespace vpn::offload {

inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::size_t tcp_checksum_at = 16;
inline constexpr std::size_t udp_checksum_at = 6;
inline constexpr std::size_t udp_header_size = 8;

/// TCP's flags, byte 13 of its header.
inline constexpr std::uint8_t tcp_fin = 0x01;
inline constexpr std::uint8_t tcp_psh = 0x08;
inline constexpr std::uint8_t tcp_ack = 0x10;
inline constexpr std::uint8_t tcp_cwr = 0x80;

struct Layout {
    bool v6 = false;
    std::uint8_t protocol = 0;
    std::size_t l4 = 0;      ///< where TCP or UDP begins
    std::size_t payload = 0; ///< where their payload begins

    [[nodiscard]] bool tcp() const { return protocol == protocol_tcp; }
    [[nodiscard]] std::size_t checksum_at() const { return l4 + (tcp() ? tcp_checksum_at : udp_checksum_at); }
    /// Source and destination, one behind the other.
    [[nodiscard]] Bytes addresses(Bytes packet) const { return v6 ? packet.subspan(8, 32) : packet.subspan(12, 8); }
    friend bool operator==(const Layout&, const Layout&) = default;
};

/// None unless `packet` is a whole TCP or UDP packet of exactly the length that its IP header says, without fragments or
/// extension headers.
std::optional<Layout> layout_of(Bytes packet);

/// The sum of the pseudo-header for `packet` as long as it is. Not folded.
std::uint64_t pseudo_header_sum(const Layout& layout, Bytes packet);

/// True if the TCP or UDP checksum, and that of an IPv4 header, are there and are what a sender writes. One's complement has two
/// zeros: the one that no sender writes counts as wrong, since it could not be restored once it was merged away.
[[nodiscard]] bool checksums_are_right(const Layout& layout, Bytes packet);

/// Writes the lengths (IP, and UDP if it is one) for a packet of this size, and the IPv4 header's checksum.
void write_lengths(const Layout& layout, MutableBytes packet);

} // namespace vpn::offload
