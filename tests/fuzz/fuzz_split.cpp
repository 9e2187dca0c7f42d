// Any bytes as a super-packet behind any header: refused, or split into packets that are whole, right and have all of the
// payload. A header and a packet that were made to fit each other are split as one packet at a time would have been.
#include "tests/fuzz/dice.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/tun/offload/super_packet.hpp"
#include "tests/tun/offload/train_drawer.hpp"

namespace {

using namespace vpn;
using offload::VnetHeader;
using Packets = std::vector<ByteVector>;

void demand_whole(const Packets& segments, Bytes packet, const VnetHeader& header) {
    const auto whole = offload::layout_of(packet);
    fuzz::demand(whole.has_value() && !segments.empty());
    ByteVector payload;
    for (const ByteVector& segment : segments) {
        const auto layout = offload::layout_of(segment);
        fuzz::demand(layout == whole && offload::checksums_are_right(*layout, segment));
        const bool last = &segment == &segments.back();
        const std::size_t size = segment.size() - layout->payload;
        fuzz::demand(last ? size <= header.segment_size : size == header.segment_size);
        payload.insert(payload.end(), segment.begin() + static_cast<std::ptrdiff_t>(layout->payload), segment.end());
    }
    const Bytes expected = packet.subspan(whole->payload);
    fuzz::demand(std::equal(payload.begin(), payload.end(), expected.begin(), expected.end()));
}

void split_anything(Bytes data) {
    if (data.size() <= VnetHeader::size) return;
    const VnetHeader header = VnetHeader::decode(data);
    const Bytes packet = data.subspan(VnetHeader::size);
    const auto segments = test::split(header, packet, std::byte{0xa5});
    if (!segments) return;
    if (header.segmentation != VnetHeader::none) return demand_whole(*segments, packet, header);
    fuzz::demand(segments->size() == 1 && segments->at(0).size() == packet.size());
    const bool changed = !std::equal(packet.begin(), packet.end(), segments->at(0).begin());
    fuzz::demand(!changed || (header.flags & VnetHeader::needs_checksum) != 0);
}

void split_something_right(fuzz::Dice dice) {
    const std::size_t more = 1 + dice.below(1500);
    test::Packet whole = test::TrainDrawer(dice).draw(1)[0].packet;
    const std::size_t segment = whole.payload.size() / 64 + more; // few enough to be quick
    whole.fragment_bits &= 0xc000;
    whole.flags = static_cast<std::uint8_t>(dice.below(256));
    const auto segments = test::split(test::header_of(whole, segment), test::unfinished(whole), std::byte{0xa5});
    fuzz::demand(segments == test::one_at_a_time(whole, segment));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes = std::as_bytes(std::span(data, size));
    split_anything(bytes);
    split_something_right(fuzz::Dice(bytes));
    return 0;
}
