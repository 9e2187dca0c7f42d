#include "tun/offload/split.hpp"

#include "tun/offload/checksum.hpp"

namespace vpn::offload {
namespace {

/// Completes the one checksum that a single packet still needs.
bool finish_checksum(const VnetHeader& header, MutableBytes packet) {
    const std::size_t field = std::size_t{header.checksum_start} + header.checksum_offset;
    if (field + 2 > packet.size()) return false;
    // The field holds the pseudo-header's sum, so it is summed along.
    auto checksum = static_cast<std::uint16_t>(~fold(sum_words(packet.subspan(header.checksum_start))));
    if (checksum == 0 && header.checksum_offset == udp_checksum_at) checksum = 0xffff; // zero would mean that there is none
    store_sum(packet.data() + field, checksum);
    return true;
}

/// What comes in segments always needs its checksums (virtio 1.2, 5.1.6.4.1), where the packet has them.
bool says_where_checksum_is(const VnetHeader& header, const Layout& layout) {
    return (header.flags & VnetHeader::needs_checksum) != 0 && header.checksum_start == layout.l4 &&
           layout.l4 + header.checksum_offset == layout.checksum_at();
}

} // namespace

std::optional<Splitter> Splitter::over(const VnetHeader& header, MutableBytes packet) {
    Splitter splitter(packet);
    if (header.segmentation == VnetHeader::none) {
        const bool needs = (header.flags & VnetHeader::needs_checksum) != 0;
        if (needs && !finish_checksum(header, packet)) return std::nullopt;
        splitter.segment_ = packet.size();
        return splitter;
    }
    const auto layout = layout_of(packet);
    if (!layout || header.segment_size == 0 || !says_where_checksum_is(header, *layout)) return std::nullopt;
    const auto kind = static_cast<std::uint8_t>(header.segmentation & ~VnetHeader::ecn);
    const bool fits = kind == VnetHeader::udp ? !layout->tcp()
                                              : layout->tcp() && kind == (layout->v6 ? VnetHeader::tcp_v6 : VnetHeader::tcp_v4);
    if (!fits) return std::nullopt;
    splitter.layout_ = *layout;
    splitter.headers_ = layout->payload;
    splitter.segment_ = header.segment_size;
    const std::size_t payload = packet.size() - layout->payload;
    splitter.count_ = std::max<std::size_t>(1, (payload + header.segment_size - 1) / header.segment_size);
    copy(packet.first(splitter.headers_), splitter.saved_headers_);
    return splitter;
}

MutableBytes Splitter::next() {
    if (given_ == count_) return {};
    if (headers_ == 0) {
        ++given_;
        return packet_;
    }
    const std::size_t start = given_ * segment_;
    const bool last = given_ + 1 == count_;
    if (given_ > 0) {
        const std::size_t tail = start + headers_; // where the last segment ended
        copy(Bytes(saved_tail_).first(std::min(tail_room, packet_.size() - tail)), packet_.subspan(tail));
    }
    const std::size_t size = last ? packet_.size() - start : headers_ + segment_;
    const MutableBytes segment = packet_.subspan(start, size);
    copy(Bytes(saved_headers_).first(headers_), segment);
    stamp(segment, last);
    if (!last) {
        const std::size_t tail = start + size;
        copy(packet_.subspan(tail, std::min(tail_room, packet_.size() - tail)), saved_tail_);
    }
    ++given_;
    return segment;
}

void Splitter::stamp(MutableBytes segment, bool last) {
    if (!layout_.v6) {
        const auto id = load_be<std::uint16_t>(segment.data() + 4);
        store_be(segment.data() + 4, static_cast<std::uint16_t>(id + given_));
    }
    write_lengths(layout_, segment);
    std::byte* l4 = segment.data() + layout_.l4;
    if (layout_.tcp()) {
        store_be(l4 + 4, load_be<std::uint32_t>(l4 + 4) + static_cast<std::uint32_t>(given_ * segment_));
        if (!last) l4[13] &= static_cast<std::byte>(~(tcp_fin | tcp_psh) & 0xff);
        if (given_ > 0) l4[13] &= static_cast<std::byte>(~tcp_cwr & 0xff);
    }
    std::byte* field = segment.data() + layout_.checksum_at();
    store_sum(field, 0);
    auto checksum =
        static_cast<std::uint16_t>(~fold(sum_words(segment.subspan(layout_.l4), pseudo_header_sum(layout_, segment))));
    if (checksum == 0 && !layout_.tcp()) checksum = 0xffff;
    store_sum(field, checksum);
}

} // namespace vpn::offload
