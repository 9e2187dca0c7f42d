// Super-packets as the kernel hands them over, and the plain way of taking them apart: every segment built from scratch.
#pragma once

#include "tests/tun/offload/packet.hpp"
#include "tun/offload/split.hpp"
#include "tun/offload/vnet_header.hpp"

#include <vector>

namespace vpn::test {

/// `whole` with the pseudo-header's sum, uncomplemented, in place of the TCP or UDP checksum.
ByteVector unfinished(const Packet& whole);

/// The header that the kernel puts before it. `segment` bytes of payload each; zero: not segmented, only NEEDS_CSUM.
offload::VnetHeader header_of(const Packet& whole, std::size_t segment);

/// The packets that a sender without offload would have sent in place of `whole`.
std::vector<ByteVector> one_at_a_time(const Packet& whole, std::size_t segment);

/// What Splitter makes of `packet`, which has 16 bytes of room behind it here. Fills `scribble` over the 16 bytes behind each
/// segment before it asks for the next, as padding does. None: refused. Aborts if a segment is longer than announced.
std::optional<std::vector<ByteVector>> split(const offload::VnetHeader& header, Bytes packet, std::byte scribble);

} // namespace vpn::test
