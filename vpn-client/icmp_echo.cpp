#include "vpn-client/icmp_echo.hpp"

namespace vpn::client {
namespace {

constexpr std::size_t header_size = 8;
constexpr std::string_view payload = "is the tunnel up";

struct Types {
    std::uint8_t request;
    std::uint8_t reply;
};
constexpr Types types_of(Family family) { return family == Family::v4 ? Types{8, 0} : Types{128, 129}; }

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

Bytes without_ipv4_header(Bytes packet) {
    if (packet.empty()) return {};
    const auto first = std::to_integer<std::size_t>(packet[0]);
    const std::size_t length = 4 * (first & 15U);
    if (first >> 4U != 4 || length < 20 || length > packet.size()) return {};
    return packet.subspan(length);
}

} // namespace vpn::client
