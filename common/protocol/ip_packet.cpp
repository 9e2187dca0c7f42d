#include "common/protocol/ip_packet.hpp"

#include <algorithm>

namespace vpn::protocol {
namespace {

constexpr std::size_t header_v4 = 20;
constexpr std::size_t header_v6 = 40;
constexpr auto icmp = std::byte{1};
constexpr auto icmp6 = std::byte{58};
constexpr auto redirect6 = std::byte{137};
constexpr auto hop_by_hop = std::byte{0};
constexpr auto routing = std::byte{43};
constexpr auto fragment = std::byte{44};
constexpr auto destination_options = std::byte{60};

std::uint64_t sum_words(Bytes bytes, std::uint64_t sum) {
    std::size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2) sum += load_be<std::uint16_t>(bytes.data() + i);
    if (i < bytes.size()) sum += std::to_integer<std::uint64_t>(bytes[i]) << 8U;
    return sum;
}

std::uint16_t finish(std::uint64_t sum) {
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

bool is_multicast(const IpAddress& address) {
    const auto first = std::to_integer<unsigned>(address.bytes()[0]);
    return address.is_v4() ? first >= 224 : first == 0xff;
}

bool is_loopback(const IpAddress& address) {
    if (address.is_v4()) return address.bytes()[0] == std::byte{127};
    return address.masked(127).is_unspecified() && address.bytes()[15] == std::byte{1};
}

bool forbids_an_error_v4(const IpPacket& packet) {
    const std::size_t header = (std::to_integer<std::size_t>(packet.bytes[0]) & 15U) * 4;
    if ((load_be<std::uint16_t>(packet.bytes.data() + 6) & 0x1fffU) != 0) return true;
    if (packet.bytes[9] != icmp) return false;
    if (packet.bytes.size() <= header) return true;
    const auto type = std::to_integer<unsigned>(packet.bytes[header]);
    return type != 0 && type != 8 && (type < 13 || type > 18); // anything but a query is, or may be, an error
}

/// Walks past the extension headers (RFC 8200 4) to see what the packet is. One that hides it gets no answer.
bool forbids_an_error_v6(const IpPacket& packet) {
    const Bytes bytes = packet.bytes;
    auto next = bytes[6];
    std::size_t at = header_v6;
    while (next == hop_by_hop || next == routing || next == fragment || next == destination_options) {
        if (bytes.size() < at + 8) return true;
        if (next == fragment && load_be<std::uint16_t>(bytes.data() + at + 2) >> 3U != 0) return true; // not the first
        const std::size_t size = next == fragment ? 8 : (std::to_integer<std::size_t>(bytes[at + 1]) + 1) * 8;
        next = bytes[at];
        at += size;
        if (at > bytes.size()) return true;
    }
    if (next != icmp6) return false;
    return bytes.size() <= at || bytes[at] < std::byte{128} || bytes[at] == redirect6;
}

ByteVector make_v4(const IpPacket& packet, const IpAddress& from) {
    const std::size_t quoted = std::min<std::size_t>(packet.bytes.size(), 576 - header_v4 - 8);
    ByteVector out(header_v4 + 8 + quoted);
    out[0] = std::byte{0x45};
    out[1] = std::byte{0xc0}; // internetwork control, RFC 1812 4.3.2.5
    store_be(out.data() + 2, static_cast<std::uint16_t>(out.size()));
    out[8] = std::byte{64};
    out[9] = icmp;
    copy(from.bytes(), MutableBytes(out).subspan(12, 4));
    copy(packet.source.bytes(), MutableBytes(out).subspan(16, 4));
    store_be(out.data() + 10, finish(sum_words(Bytes(out).first(header_v4), 0)));
    out[20] = std::byte{3}; // destination unreachable
    out[21] = std::byte{1}; // host: what the kernel itself says for a missing route
    copy(packet.bytes.first(quoted), MutableBytes(out).subspan(header_v4 + 8));
    store_be(out.data() + 22, finish(sum_words(Bytes(out).subspan(header_v4), 0)));
    return out;
}

ByteVector make_v6(const IpPacket& packet, const IpAddress& from, Unreachable why) {
    const std::size_t quoted = std::min<std::size_t>(packet.bytes.size(), 1280 - header_v6 - 8);
    ByteVector out(header_v6 + 8 + quoted);
    out[0] = std::byte{0x60};
    store_be(out.data() + 4, static_cast<std::uint16_t>(8 + quoted));
    out[6] = icmp6;
    out[7] = std::byte{64};
    copy(from.bytes(), MutableBytes(out).subspan(8, 16));
    copy(packet.source.bytes(), MutableBytes(out).subspan(24, 16));
    out[40] = std::byte{1};                                               // destination unreachable
    out[41] = why == Unreachable::no_route ? std::byte{0} : std::byte{3}; // no route, or address unreachable
    copy(packet.bytes.first(quoted), MutableBytes(out).subspan(header_v6 + 8));
    const std::uint64_t pseudo_header = sum_words(Bytes(out).subspan(8, 32), (8 + quoted) + 58);
    store_be(out.data() + 42, finish(sum_words(Bytes(out).subspan(header_v6), pseudo_header)));
    return out;
}

} // namespace

std::optional<IpPacket> parse_ip_packet(Bytes bytes) {
    if (bytes.empty()) return std::nullopt;
    const auto version = std::to_integer<unsigned>(bytes[0]) >> 4U;
    if (version == 4 && bytes.size() >= header_v4) {
        const std::size_t header = (std::to_integer<std::size_t>(bytes[0]) & 15U) * 4;
        const std::size_t length = load_be<std::uint16_t>(bytes.data() + 2);
        if (header < header_v4 || length < header || length > bytes.size()) return std::nullopt;
        return IpPacket{bytes.first(length), IpAddress::v4(bytes.subspan<12, 4>()), IpAddress::v4(bytes.subspan<16, 4>())};
    }
    if (version == 6 && bytes.size() >= header_v6) {
        const std::size_t length = header_v6 + load_be<std::uint16_t>(bytes.data() + 4);
        if (length > bytes.size()) return std::nullopt;
        return IpPacket{bytes.first(length), IpAddress::v6(bytes.subspan<8, 16>()), IpAddress::v6(bytes.subspan<24, 16>())};
    }
    return std::nullopt;
}

ByteVector make_unreachable(const IpPacket& packet, const IpAddress& from, Unreachable why) {
    if (packet.source.is_unspecified() || is_loopback(packet.source) || is_multicast(packet.source)) return {};
    if (is_multicast(packet.destination)) return {};
    if (from.family() != packet.source.family()) return {};
    if (packet.source.is_v4()) return forbids_an_error_v4(packet) ? ByteVector{} : make_v4(packet, from);
    return forbids_an_error_v6(packet) ? ByteVector{} : make_v6(packet, from, why);
}

} // namespace vpn::protocol
