#include "common/protocol/ecn.hpp"

namespace vpn::protocol {
namespace {

bool is_v6(Bytes packet) { return std::to_integer<unsigned>(packet[0]) >> 4U == 6; }

/// RFC 1624, equation 3: a header's checksum after one of its words changed.
std::uint16_t updated_checksum(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
    std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
    sum += static_cast<std::uint16_t>(~before);
    sum += after;
    sum = (sum & 0xffffU) + (sum >> 16U);
    sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

void set_ecn(MutableBytes packet, Ecn ecn) {
    const auto bits = static_cast<unsigned>(ecn);
    const auto before = load_be<std::uint16_t>(packet.data());
    if (is_v6(packet)) return store_be(packet.data(), static_cast<std::uint16_t>((before & ~0x30U) | (bits << 4U)));
    const auto after = static_cast<std::uint16_t>((before & ~0x3U) | bits);
    const auto checksum = load_be<std::uint16_t>(packet.data() + 10);
    store_be(packet.data(), after);
    store_be(packet.data() + 10, updated_checksum(checksum, before, after));
}

} // namespace

Ecn ecn_of(Bytes packet) {
    const auto second = std::to_integer<unsigned>(packet[1]);
    return static_cast<Ecn>((is_v6(packet) ? second >> 4U : second) & 3U);
}

bool combine_ecn(MutableBytes packet, Ecn outer) {
    const Ecn inner = ecn_of(packet);
    if (outer == Ecn::congested && inner == Ecn::not_capable) return false;
    const bool marked = outer == Ecn::congested && inner != Ecn::congested;
    const bool weaker = outer == Ecn::capable_1 && inner == Ecn::capable_0;
    if (marked || weaker) set_ecn(packet, outer);
    return true;
}

} // namespace vpn::protocol
