// IP packets by the batch, in storage that is made once. DATAPATH 3: fixed slabs, nothing allocated per packet.
// Refuses to know: where they came from.
#pragma once

#include "common/base/bytes.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace vpn::tun {

/// Slots for packets of up to `largest_packet` bytes. One thread at a time.
class PacketBatch {
  public:
    /// Writable bytes behind the longest packet: padding is added where the packet lies.
    static constexpr std::size_t tail_room = 16;

    /// For a device of MTU m, `largest_packet` is m or more, at most 65,535.
    PacketBatch(std::size_t slots, std::size_t largest_packet);

    /// The packets in it, in order. Each has `tail_room` writable bytes behind it.
    [[nodiscard]] std::span<const MutableBytes> packets() const { return packets_; }
    [[nodiscard]] std::size_t size() const { return packets_.size(); }
    [[nodiscard]] bool empty() const { return packets_.empty(); }
    [[nodiscard]] bool full() const { return packets_.size() == slots_; }
    [[nodiscard]] std::size_t largest_packet() const { return largest_packet_; }
    void clear() { packets_.clear(); }

    /// The next free slot, `largest_packet` + `tail_room` bytes. Requires: not full.
    [[nodiscard]] MutableBytes next_slot();
    /// Counts the first `size` bytes of the next free slot as a packet. Requires: not full, size <= largest_packet.
    void push(std::size_t size);

  private:
    std::size_t slots_;
    std::size_t largest_packet_;
    ByteVector storage_;
    std::vector<MutableBytes> packets_;
};

} // namespace vpn::tun
