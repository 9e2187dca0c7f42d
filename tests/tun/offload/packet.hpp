// TCP and UDP packets described field by field and built byte by byte: the plain reference that tun/offload is held against.
// Shares no code with it.
#pragma once

#include "common/base/bytes.hpp"

#include <cstdint>

namespace vpn::test {

inline constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10, urg = 0x20, ece = 0x40, cwr = 0x80;
inline constexpr std::uint16_t dont_fragment = 0x4000, more_fragments = 0x2000;

struct Packet {
    bool v6 = false;
    bool tcp = true;
    std::uint8_t source = 1; ///< last byte of its address
    std::uint8_t destination = 2;
    std::uint16_t source_port = 49152;
    std::uint16_t destination_port = 443;
    std::uint8_t traffic_class = 0;              ///< TOS
    std::uint8_t hop_limit = 64;                 ///< TTL
    std::uint32_t flow_label = 0;                ///< v6: 20 bits
    std::uint16_t id = 0;                        ///< v4
    std::uint16_t fragment_bits = dont_fragment; ///< v4: with the offset
    ByteVector ip_options{};                     ///< v4: whole words
    std::uint32_t sequence = 0;                  ///< this and what follows: TCP
    std::uint32_t acknowledgement = 0x12345678;
    std::uint8_t reserved = 0; ///< the four bits beside the data offset
    std::uint8_t flags = ack;
    std::uint16_t window = 512;
    std::uint16_t urgent = 0;
    ByteVector tcp_options{}; ///< whole words
    ByteVector payload{};
};

/// RFC 1071, one 16-bit word and one carry after another. An odd last byte is followed by a zero.
std::uint16_t plain_sum(Bytes bytes, std::uint16_t sum = 0);

/// The whole packet as a sender without any offload writes it.
ByteVector build(const Packet& packet);

/// Where TCP or UDP begins, where the payload begins, and where the TCP or UDP checksum is.
std::size_t l4_at(const Packet& packet);
std::size_t payload_at(const Packet& packet);
std::size_t checksum_at(const Packet& packet);

/// What TCP and UDP sum up before their own header.
ByteVector pseudo_header(const Packet& packet);

} // namespace vpn::test
