// What recvmmsg and sendmmsg want beside the bytes. Only datagram_batch.cpp and udp_socket.cpp include this.
#pragma once

#include "common/base/slab.hpp"
#include "common/system/datagram_batch.hpp"
#include "common/system/socket_address.hpp"

#include <array>

namespace vpn::system {

/// Room for one IP_PKTINFO or IPV6_PKTINFO, one UDP_SEGMENT or UDP_GRO, and one IP_TOS or IPV6_TCLASS.
struct ControlBuffer {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))> bytes;
};

struct IncomingBatch::Storage {
    Storage(std::size_t slots, std::size_t slot_size);
    /// Makes the slots that the last receive used ready for the next.
    void rearm();

    Slab slab;
    std::vector<mmsghdr> headers;
    std::vector<iovec> vectors;
    std::vector<SocketAddress> addresses;
    std::vector<ControlBuffer> controls;
    std::vector<IncomingDatagram> datagrams;
    std::size_t used = 0;  ///< slots that the last receive filled
    std::size_t count = 0; ///< of which these are whole, and in `datagrams`
};

/// One sendmmsg's worth, on the stack of who sends.
struct OutgoingChunk {
    static constexpr std::size_t capacity = 64;

    /// Requires: at most `capacity` of them.
    void prepare(std::span<const OutgoingDatagram> datagrams);
    void drop_source(std::size_t index, const OutgoingDatagram& datagram);

    std::array<mmsghdr, capacity> headers;
    std::array<iovec, capacity> vectors;
    std::array<SocketAddress, capacity> addresses;
    std::array<ControlBuffer, capacity> controls;
};

/// The local address in a message's control data; unspecified if there is none.
LocalSource local_source_of(const msghdr& message);

/// What routers marked a message with; not_capable if its control data does not say.
Ecn ecn_of(const msghdr& message);

/// The size of the datagrams that were received as one; zero if it is a single one.
std::size_t segment_size_of(const msghdr& message);

/// True if a datagram that goes this way names the address that it leaves from.
bool wants_source(const Path& path);

} // namespace vpn::system
