// Inner IP packets for tests, and checksums worked out another way than the code under test does.
#pragma once

#include "common/base/ip.hpp"

#include <cstdint>
#include <initializer_list>

namespace vpn::support {

inline IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }
inline Prefix prefix(std::string_view text) { return *Prefix::parse(text); }
inline Endpoint endpoint(std::string_view text) { return *Endpoint::parse(text); }

/// Protocol 253 is set aside for experiments (RFC 3692): nothing looks into it.
inline constexpr std::uint8_t experimental = 253;

/// RFC 1071 without its tricks: one's complement addition is addition modulo 65535. All parts but the last must be even.
inline std::uint32_t sum_modulo_65535(std::initializer_list<Bytes> parts) {
    std::uint32_t sum = 0;
    for (const Bytes part : parts)
        for (std::size_t i = 0; i < part.size(); ++i)
            sum = (sum + (std::to_integer<std::uint32_t>(part[i]) << (i % 2 == 0 ? 8U : 0U))) % 65535U;
    return sum;
}

/// A packet from one address to another of the same family, around `payload`. Its header checksum is right.
inline ByteVector inner_packet(const IpAddress& from, const IpAddress& to, Bytes payload, std::uint8_t protocol = experimental) {
    const std::size_t header = from.is_v4() ? 20 : 40;
    ByteVector packet(header + payload.size());
    const MutableBytes at(packet);
    copy(payload, at.subspan(header));
    if (from.is_v4()) {
        packet[0] = std::byte{0x45};
        store_be(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
        packet[8] = std::byte{64};
        packet[9] = static_cast<std::byte>(protocol);
        copy(from.bytes(), at.subspan(12));
        copy(to.bytes(), at.subspan(16));
        store_be(packet.data() + 10, static_cast<std::uint16_t>(65535U - sum_modulo_65535({Bytes(packet).first(20)})));
    } else {
        packet[0] = std::byte{0x60};
        store_be(packet.data() + 4, static_cast<std::uint16_t>(payload.size()));
        packet[6] = static_cast<std::byte>(protocol);
        packet[7] = std::byte{64};
        copy(from.bytes(), at.subspan(8));
        copy(to.bytes(), at.subspan(24));
    }
    return packet;
}

} // namespace vpn::support
