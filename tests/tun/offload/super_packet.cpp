#include "tests/tun/offload/super_packet.hpp"

#include <algorithm>
#include <cstdlib>

namespace vpn::test {

using offload::Splitter;
using offload::VnetHeader;

ByteVector unfinished(const Packet& whole) {
    ByteVector packet = build(whole);
    store_be(packet.data() + checksum_at(whole), plain_sum(pseudo_header(whole)));
    return packet;
}

VnetHeader header_of(const Packet& whole, std::size_t segment) {
    VnetHeader header;
    header.flags = 1;
    header.header_size = static_cast<std::uint16_t>(payload_at(whole));
    header.segment_size = static_cast<std::uint16_t>(segment);
    header.checksum_start = static_cast<std::uint16_t>(l4_at(whole));
    header.checksum_offset = whole.tcp ? 16 : 6;
    if (segment == 0) return header;
    if (!whole.tcp) header.segmentation = 5;
    if (whole.tcp) header.segmentation = whole.v6 ? 4 : 1;
    if (whole.tcp && (whole.flags & cwr) != 0) header.segmentation |= 0x80;
    return header;
}

std::vector<ByteVector> one_at_a_time(const Packet& whole, std::size_t segment) {
    std::vector<ByteVector> packets;
    Packet headers = whole;
    headers.payload.clear();
    const Bytes payload(whole.payload);
    std::size_t at = 0;
    do {
        const std::size_t size = std::min(segment, payload.size() - at);
        const bool first = at == 0;
        const bool last = at + size == payload.size();
        Packet packet = headers;
        packet.payload.assign(payload.begin() + static_cast<std::ptrdiff_t>(at),
                              payload.begin() + static_cast<std::ptrdiff_t>(at + size));
        packet.id = static_cast<std::uint16_t>(whole.id + packets.size());
        packet.sequence = whole.sequence + static_cast<std::uint32_t>(at);
        if (!last) packet.flags &= static_cast<std::uint8_t>(~(fin | psh));
        if (!first) packet.flags &= static_cast<std::uint8_t>(~cwr);
        packets.push_back(build(packet));
        at += size;
    } while (at < payload.size());
    return packets;
}

std::optional<std::vector<ByteVector>> split(const VnetHeader& header, Bytes packet, std::byte scribble) {
    constexpr std::size_t room = 16;
    ByteVector memory(packet.size() + room);
    copy(packet, memory);
    auto splitter = Splitter::over(header, MutableBytes(memory).first(packet.size()));
    if (!splitter) return std::nullopt;
    std::vector<ByteVector> segments;
    for (MutableBytes segment = splitter->next(); !segment.empty(); segment = splitter->next()) {
        if (segment.size() > splitter->segment_bytes()) std::abort();
        segments.emplace_back(segment.begin(), segment.end());
        std::fill_n(segment.data() + segment.size(), room, scribble);
    }
    if (segments.size() != splitter->count()) std::abort();
    return segments;
}

} // namespace vpn::test
