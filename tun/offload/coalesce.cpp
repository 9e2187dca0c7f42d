#include "tun/offload/coalesce.hpp"

#include "tun/offload/checksum.hpp"

#include <algorithm>

namespace vpn::offload {
namespace {

std::uint8_t tcp_flags(const Layout& layout, Bytes packet) { return std::to_integer<std::uint8_t>(packet[layout.l4 + 13]); }
std::uint32_t tcp_sequence(const Layout& layout, Bytes packet) { return load_be<std::uint32_t>(packet.data() + layout.l4 + 4); }

bool equal(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

/// Addresses, protocol and ports.
bool same_flow(const Layout& a, Bytes in_a, const Layout& b, Bytes in_b) {
    return a.v6 == b.v6 && a.protocol == b.protocol && equal(a.addresses(in_a), b.addresses(in_b)) &&
           equal(in_a.subspan(a.l4, 4), in_b.subspan(b.l4, 4));
}

/// All of the IP header that a super-packet has only once.
bool same_ip_header(const Layout& layout, Bytes first, Bytes packet, std::size_t position) {
    if (layout.v6) return equal(first.first(4), packet.first(4)) && first[7] == packet[7];    // class and flow label; hop limit
    const bool same = first[0] == packet[0] && first[1] == packet[1] && first[8] == packet[8] // options' length; TOS; TTL
                      && equal(first.subspan(6, 2), packet.subspan(6, 2)) &&
                      equal(first.subspan(20, layout.l4 - 20), packet.subspan(20, layout.l4 - 20));
    const bool whole = (std::to_integer<unsigned>(first[6]) & 0x40U) != 0; // DF: nobody needs the id
    const auto expected_id = static_cast<std::uint16_t>(load_be<std::uint16_t>(first.data() + 4) + position);
    return same && (whole || load_be<std::uint16_t>(packet.data() + 4) == expected_id);
}

} // namespace

void Coalescer::add(MutableBytes packet) {
    const auto layout = layout_of(packet);
    if (!layout) close_between_hosts_of(packet);
    Run* before = layout ? run_of_flow(*layout, packet) : nullptr;
    const bool mergeable = layout && eligible(*layout, packet);
    if (before != nullptr) {
        if (mergeable && before->open && continues(*before, *layout, packet)) {
            if (!before->verified) {
                before->verified = true;
                before->open = checksums_are_right(*before->layout, before->first);
            }
            if (before->open && checksums_are_right(*layout, packet)) return merge(*before, *layout, packet);
        }
        before->open = false; // what comes later of this flow must not overtake this packet
    }
    Run& run = runs_.emplace_back();
    run.first = packet;
    run.layout = layout;
    run.bytes = packet.size();
    run.open = mergeable;
    if (!mergeable) return;
    run.segment = packet.size() - layout->payload;
    if (!layout->tcp()) return;
    run.next_sequence = tcp_sequence(*layout, packet) + static_cast<std::uint32_t>(run.segment);
    run.first_flags = tcp_flags(*layout, packet);
    run.open = (run.first_flags & tcp_psh) == 0;
}

bool Coalescer::eligible(const Layout& layout, Bytes packet) const {
    if (layout.payload == packet.size()) return false;
    if (!layout.tcp()) return features_.udp;
    const std::uint8_t flags = tcp_flags(layout, packet);
    return features_.tcp && (flags & tcp_ack) != 0 && (flags & ~(tcp_ack | tcp_psh)) == 0;
}

Coalescer::Run* Coalescer::run_of_flow(const Layout& layout, Bytes packet) {
    const auto recent = recent_runs();
    for (auto run = recent.rbegin(); run != recent.rend(); ++run)
        if (run->layout && same_flow(*run->layout, run->first, layout, packet)) return &*run;
    return nullptr;
}

void Coalescer::close_between_hosts_of(Bytes packet) {
    if (packet.empty()) return;
    const Layout outline{.v6 = std::to_integer<unsigned>(packet[0]) >> 4U == 6};
    if (packet.size() < (outline.v6 ? 40 : 20)) return;
    for (Run& run : recent_runs())
        if (run.layout && run.layout->v6 == outline.v6 && equal(outline.addresses(run.first), outline.addresses(packet)))
            run.open = false;
}

bool Coalescer::continues(const Run& run, const Layout& layout, Bytes packet) {
    const std::size_t payload = packet.size() - layout.payload;
    if (*run.layout != layout || payload > run.segment || run.bytes + payload > largest_packet) return false;
    if (!same_ip_header(layout, run.first, packet, run.count)) return false;
    if (!layout.tcp()) return run.count < udp_segments_max;
    if (run.count == parts_max) return false;
    const Bytes first = run.first;
    return tcp_sequence(layout, packet) == run.next_sequence &&
           equal(first.subspan(layout.l4 + 8, 5), packet.subspan(layout.l4 + 8, 5))      // ACK number, the bits beside the length
           && equal(first.subspan(layout.l4 + 14, 2), packet.subspan(layout.l4 + 14, 2)) // window
           && equal(first.subspan(layout.l4 + 18, layout.payload - layout.l4 - 18),      // urgent pointer
                    packet.subspan(layout.l4 + 18, layout.payload - layout.l4 - 18));    // and options
}

void Coalescer::merge(Run& run, const Layout& layout, Bytes packet) {
    const Bytes payload = packet.subspan(layout.payload);
    const std::size_t part = parts_.size();
    parts_.push_back({packet, payload, no_part});
    (run.parts == no_part ? run.parts : parts_[run.last_part].next) = part;
    run.last_part = part;
    run.bytes += payload.size();
    ++run.count;
    if (payload.size() < run.segment) run.open = false;
    if (!layout.tcp()) return;
    run.next_sequence += static_cast<std::uint32_t>(payload.size());
    if ((tcp_flags(layout, packet) & tcp_psh) != 0) {
        run.first[layout.l4 + 13] |= std::byte{tcp_psh};
        run.open = false;
    }
}

void Coalescer::finish() {
    for (Run& run : runs_) {
        if (run.count == 1) continue;
        const Layout& layout = *run.layout;
        const MutableBytes headers = run.first.first(layout.payload);
        if (layout.v6) {
            store_be(headers.data() + 4, static_cast<std::uint16_t>(run.bytes - layout.l4));
        } else {
            store_be(headers.data() + 2, static_cast<std::uint16_t>(run.bytes));
            store_sum(headers.data() + 10, 0);
            store_sum(headers.data() + 10, static_cast<std::uint16_t>(~fold(sum_words(headers.first(layout.l4)))));
        }
        if (!layout.tcp()) store_be(headers.data() + layout.l4 + 4, static_cast<std::uint16_t>(run.bytes - layout.l4));
        copy(headers.subspan(layout.checksum_at(), 2), run.first_checksum);
        store_sum(headers.data() + layout.checksum_at(),
                  fold(pseudo_header_sum(layout.addresses(headers), layout.protocol, run.bytes - layout.l4)));
        run.header.flags = VnetHeader::needs_checksum;
        run.header.segmentation = layout.tcp() ? (layout.v6 ? VnetHeader::tcp_v6 : VnetHeader::tcp_v4) : VnetHeader::udp;
        run.header.header_size = static_cast<std::uint16_t>(layout.payload);
        run.header.segment_size = static_cast<std::uint16_t>(run.segment);
        run.header.checksum_start = static_cast<std::uint16_t>(layout.l4);
        run.header.checksum_offset = static_cast<std::uint16_t>(layout.checksum_at() - layout.l4);
    }
}

void Coalescer::undo(std::size_t index) {
    Run& run = runs_[index];
    if (run.count == 1 || run.header.segmentation == VnetHeader::none) return;
    write_lengths(*run.layout, run.first);
    copy(run.first_checksum, run.first.subspan(run.layout->checksum_at()));
    if (run.layout->tcp()) run.first[run.layout->l4 + 13] = std::byte{run.first_flags};
    run.header = {};
}

void Coalescer::clear() {
    runs_.clear();
    parts_.clear();
}

} // namespace vpn::offload
