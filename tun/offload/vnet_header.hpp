// The ten bytes that stand before a packet of a TUN device with IFF_VNET_HDR (virtio 1.2, 5.1.6; linux/virtio_net.h): what is
// left to do for the packet behind them.
#pragma once

#include "common/base/bytes.hpp"

#include <cstdint>

namespace vpn::offload {

struct VnetHeader {
    static constexpr std::size_t size = 10;
    static constexpr std::uint8_t needs_checksum = 1; ///< in flags: the field holds the pseudo-header's sum only
    enum Segmentation : std::uint8_t { none = 0, tcp_v4 = 1, tcp_v6 = 4, udp = 5 };
    static constexpr std::uint8_t ecn = 0x80; ///< beside tcp_v4 or tcp_v6: CWR is set

    std::uint8_t flags = 0;
    std::uint8_t segmentation = none;
    std::uint16_t header_size = 0;     ///< wrong on forwarded packets: never read
    std::uint16_t segment_size = 0;    ///< payload bytes of each segment but the last
    std::uint16_t checksum_start = 0;  ///< where the TCP or UDP header begins
    std::uint16_t checksum_offset = 0; ///< of the field, from there

    /// Requires: 10 bytes. In the machine's byte order, as Linux has it unless told otherwise.
    static VnetHeader decode(Bytes from) {
        VnetHeader header;
        header.flags = std::to_integer<std::uint8_t>(from[0]);
        header.segmentation = std::to_integer<std::uint8_t>(from[1]);
        std::memcpy(&header.header_size, from.data() + 2, 8);
        return header;
    }
    void encode(MutableBytes to) const {
        to[0] = std::byte{flags};
        to[1] = std::byte{segmentation};
        std::memcpy(to.data() + 2, &header_size, 8);
    }
    friend bool operator==(const VnetHeader&, const VnetHeader&) = default;
};
static_assert(sizeof(VnetHeader) == VnetHeader::size);

} // namespace vpn::offload
