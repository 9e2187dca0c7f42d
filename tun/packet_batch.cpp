#include "tun/packet_batch.hpp"

namespace vpn::tun {

PacketBatch::PacketBatch(std::size_t slots, std::size_t largest_packet)
    : slots_(slots), largest_packet_(largest_packet), storage_(slots * (largest_packet + tail_room)) {
    packets_.reserve(slots);
}

MutableBytes PacketBatch::next_slot() {
    const std::size_t stride = largest_packet_ + tail_room;
    return MutableBytes(storage_).subspan(packets_.size() * stride, stride);
}

void PacketBatch::push(std::size_t size) { packets_.push_back(next_slot().first(size)); }

} // namespace vpn::tun
