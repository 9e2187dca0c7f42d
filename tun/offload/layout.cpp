#include "tun/offload/layout.hpp"

#include "tun/offload/checksum.hpp"

namespace vpn::offload {
namespace {

constexpr std::size_t header_v4 = 20;
constexpr std::size_t header_v6 = 40;

std::optional<Layout> ip_layout(Bytes packet) {
    if (packet.empty()) return std::nullopt;
    const auto version = std::to_integer<unsigned>(packet[0]) >> 4U;
    if (version == 4 && packet.size() >= header_v4) {
        const std::size_t header = (std::to_integer<std::size_t>(packet[0]) & 15U) * 4;
        const bool fragment = (load_be<std::uint16_t>(packet.data() + 6) & 0x3fffU) != 0; // more fragments, or an offset
        if (header < header_v4 || load_be<std::uint16_t>(packet.data() + 2) != packet.size() || fragment) return std::nullopt;
        return Layout{false, std::to_integer<std::uint8_t>(packet[9]), header, 0};
    }
    if (version == 6 && packet.size() >= header_v6) {
        if (load_be<std::uint16_t>(packet.data() + 4) + header_v6 != packet.size()) return std::nullopt;
        return Layout{true, std::to_integer<std::uint8_t>(packet[6]), header_v6, 0};
    }
    return std::nullopt;
}

} // namespace

std::optional<Layout> layout_of(Bytes packet) {
    auto layout = ip_layout(packet);
    if (!layout) return std::nullopt;
    const std::size_t left = packet.size() - std::min(packet.size(), layout->l4);
    if (layout->protocol == protocol_tcp && left >= 20) {
        const std::size_t header = (std::to_integer<std::size_t>(packet[layout->l4 + 12]) >> 4U) * 4;
        if (header < 20 || header > left) return std::nullopt;
        layout->payload = layout->l4 + header;
        return layout;
    }
    if (layout->protocol == protocol_udp && left >= udp_header_size) {
        if (load_be<std::uint16_t>(packet.data() + layout->l4 + 4) != left) return std::nullopt;
        layout->payload = layout->l4 + udp_header_size;
        return layout;
    }
    return std::nullopt;
}

std::uint64_t pseudo_header_sum(const Layout& layout, Bytes packet) {
    return pseudo_header_sum(layout.addresses(packet), layout.protocol, packet.size() - layout.l4);
}

bool checksums_are_right(const Layout& layout, Bytes packet) {
    const bool header_is_right =
        layout.v6 || (load_be<std::uint16_t>(packet.data() + 10) != 0xffff && fold(sum_words(packet.first(layout.l4))) == 0xffff);
    const std::uint16_t never_written = layout.tcp() ? 0xffff : 0;
    return header_is_right && load_be<std::uint16_t>(packet.data() + layout.checksum_at()) != never_written &&
           fold(sum_words(packet.subspan(layout.l4), pseudo_header_sum(layout, packet))) == 0xffff;
}

void write_lengths(const Layout& layout, MutableBytes packet) {
    if (layout.v6) {
        store_be(packet.data() + 4, static_cast<std::uint16_t>(packet.size() - header_v6));
    } else {
        store_be(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
        store_be(packet.data() + 10, std::uint16_t{0});
        store_sum(packet.data() + 10, static_cast<std::uint16_t>(~fold(sum_words(packet.first(layout.l4)))));
    }
    if (!layout.tcp()) store_be(packet.data() + layout.l4 + 4, static_cast<std::uint16_t>(packet.size() - layout.l4));
}

} // namespace vpn::offload
