#include "vpn-client/icmp_echo.hpp"

namespace vpn::client {
namespace {

constexpr std::size_t header_size = 8;
constexpr std::string_view payload = "is the tunnel up";

struct Types {
    std::uint8_t request;
    std::uint8_t reply;
};
constexpr std::size_t ipv4_header_size = 20;
constexpr std::size_t ipv6_header_size = 40;
constexpr std::size_t fragment_header_size = 8;
constexpr std::byte hop_limit{64};
constexpr std::byte icmp{1};
constexpr std::byte icmpv6{58};
constexpr std::byte fragment{44};

constexpr Types types_of(Family family) { return family == Family::v4 ? Types{8, 0} : Types{128, 129}; }

ByteVector ipv4_packet(const IpAddress& source, const IpAddress& destination, std::size_t size) {
    ByteVector packet(size);
    packet[0] = std::byte{0x45};
    store_be(&packet[2], static_cast<std::uint16_t>(size));
    packet[8] = hop_limit;
    packet[9] = icmp;
    copy(source.bytes(), MutableBytes(packet).subspan(12));
    copy(destination.bytes(), MutableBytes(packet).subspan(16));
    store_be(&packet[10], internet_checksum(Bytes(packet).first(ipv4_header_size)));
    return packet;
}

ByteVector ipv6_packet(const IpAddress& source, const IpAddress& destination, std::size_t size) {
    ByteVector packet(size);
    packet[0] = std::byte{0x60};
    store_be(&packet[4], static_cast<std::uint16_t>(size - ipv6_header_size));
    packet[6] = icmpv6;
    packet[7] = hop_limit;
    copy(source.bytes(), MutableBytes(packet).subspan(8));
    copy(destination.bytes(), MutableBytes(packet).subspan(24));
    return packet;
}

/// Over the message and the pseudo-header (RFC 8200 8.1) of the packet that it ends.
std::uint16_t icmpv6_checksum(Bytes packet) {
    const Bytes message = packet.subspan(ipv6_header_size);
    ByteVector summed(ipv6_header_size + message.size());
    copy(packet.subspan(8, 32), summed);
    store_be(&summed[32], static_cast<std::uint32_t>(message.size()));
    summed[39] = icmpv6;
    copy(message, MutableBytes(summed).subspan(ipv6_header_size));
    return internet_checksum(summed);
}

/// The ICMP message in a packet, and empty if it holds none, or not its beginning.
Bytes icmp_of_ipv4(Bytes packet) {
    constexpr std::uint16_t offset_mask = 0x1fff;
    const Bytes message = without_ipv4_header(packet);
    if (message.empty() || packet[9] != icmp || (load_be<std::uint16_t>(&packet[6]) & offset_mask) != 0) return {};
    return message;
}

Bytes icmp_of_ipv6(Bytes packet) {
    constexpr std::uint16_t offset_mask = 0xfff8;
    if (packet.size() < ipv6_header_size) return {};
    const Bytes rest = packet.subspan(ipv6_header_size);
    if (packet[6] == icmpv6) return rest;
    if (packet[6] != fragment || rest.size() < fragment_header_size || rest[0] != icmpv6) return {};
    return (load_be<std::uint16_t>(&rest[2]) & offset_mask) == 0 ? rest.subspan(fragment_header_size) : Bytes{};
}

} // namespace

std::uint16_t internet_checksum(Bytes bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto value = std::to_integer<std::uint32_t>(bytes[i]);
        sum += i % 2 == 0 ? value << 8U : value;
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum & 0xffffU);
}

ByteVector encode_echo_request(Family family, Echo echo) {
    ByteVector message(header_size + payload.size());
    message[0] = std::byte{types_of(family).request};
    store_be(&message[4], echo.identifier);
    store_be(&message[6], echo.sequence);
    copy(bytes_of(payload), MutableBytes(message).subspan(header_size));
    if (family == Family::v4) store_be(&message[2], internet_checksum(message));
    return message;
}

std::optional<Echo> decode_echo_reply(Family family, Bytes message) {
    if (message.size() < header_size || message[0] != std::byte{types_of(family).reply} || message[1] != std::byte{0})
        return std::nullopt;
    if (family == Family::v4 && internet_checksum(message) != 0) return std::nullopt;
    return Echo{load_be<std::uint16_t>(&message[4]), load_be<std::uint16_t>(&message[6])};
}

ByteVector encode_echo_packet(const IpAddress& source, const IpAddress& destination, Echo echo, std::size_t size) {
    const bool v4 = source.is_v4();
    ByteVector packet = v4 ? ipv4_packet(source, destination, size) : ipv6_packet(source, destination, size);
    const MutableBytes message = MutableBytes(packet).subspan(v4 ? ipv4_header_size : ipv6_header_size);
    message[0] = std::byte{types_of(source.family()).request};
    store_be(&message[4], echo.identifier);
    store_be(&message[6], echo.sequence);
    store_be(&message[2], v4 ? internet_checksum(message) : icmpv6_checksum(packet));
    return packet;
}

std::optional<EchoReply> find_echo_reply(Bytes packet) {
    if (packet.empty()) return std::nullopt;
    const bool v4 = (packet[0] >> 4) == std::byte{4};
    const Bytes message = v4 ? icmp_of_ipv4(packet) : icmp_of_ipv6(packet);
    const auto reply = std::byte{types_of(v4 ? Family::v4 : Family::v6).reply};
    if (message.size() < header_size || message[0] != reply || message[1] != std::byte{0}) return std::nullopt;
    const IpAddress source = v4 ? IpAddress::v4(packet.subspan<12, 4>()) : IpAddress::v6(packet.subspan<8, 16>());
    return EchoReply{source, {load_be<std::uint16_t>(&message[4]), load_be<std::uint16_t>(&message[6])}};
}

Bytes without_ipv4_header(Bytes packet) {
    if (packet.empty()) return {};
    const auto first = std::to_integer<std::size_t>(packet[0]);
    const std::size_t length = 4 * (first & 15U);
    if (first >> 4U != 4 || length < 20 || length > packet.size()) return {};
    return packet.subspan(length);
}

} // namespace vpn::client
