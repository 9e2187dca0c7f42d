// A super-packet of up to 64 KiB, as the kernel hands it over, into the packets that the wire takes (DATAPATH 1, "Split").
// Each segment is made contiguous without copying payload: the headers are stamped over payload that was consumed already.
// So one segment at a time: the next call spoils the last one.
#pragma once

#include "common/base/bytes.hpp"
#include "tun/offload/layout.hpp"
#include "tun/offload/vnet_header.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace vpn::offload {

class Splitter {
  public:
    /// Bytes behind a segment that its user may overwrite (padding); they are put back before the next is made. The packet needs
    /// as many behind it.
    static constexpr std::size_t tail_room = 16;

    /// None if header and packet contradict each other. The packet stays the caller's and is changed.
    static std::optional<Splitter> over(const VnetHeader& header, MutableBytes packet);

    /// How many segments next() gives in all.
    [[nodiscard]] std::size_t count() const { return count_; }
    /// Headers and payload of every segment but the last, which is no longer.
    [[nodiscard]] std::size_t segment_bytes() const { return headers_ + segment_; }

    /// What is split, as it came. Requires: next() was not called yet.
    [[nodiscard]] Bytes whole() const { return packet_; }

    /// The next packet: whole, with all checksums. Empty after the last.
    [[nodiscard]] MutableBytes next();

  private:
    explicit Splitter(MutableBytes packet) : packet_(packet) {}
    void stamp(MutableBytes segment, bool last);

    MutableBytes packet_;
    Layout layout_;
    std::size_t headers_ = 0; ///< bytes of IP and TCP or UDP headers; zero: a single packet that is given as it is
    std::size_t segment_ = 0;
    std::size_t count_ = 1;
    std::size_t given_ = 0;
    std::array<std::byte, 120> saved_headers_{};
    std::array<std::byte, tail_room> saved_tail_{};
};

} // namespace vpn::offload
