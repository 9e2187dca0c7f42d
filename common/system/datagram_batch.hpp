// Datagrams by the batch, in storage that is made once.
// Refuses to know: what is in them, and sockets.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/path.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace vpn::system {

/// A datagram as it arrived, or several that the kernel received as one (UDP_GRO); the bytes may be changed in place.
struct IncomingDatagram {
    MutableBytes bytes;
    Path path;                ///< from where, and to which address of ours
    std::size_t segment_size; ///< each is this long, the last may be shorter. A single one: its length
    Ecn ecn;                  ///< of all of them
};

/// A datagram to be sent, or several of one size to one place in one go (UDP_SEGMENT): then the last may be shorter, there are at
/// most 64, and at most 65,507 bytes. An unspecified local address of the path: the kernel chooses.
struct OutgoingDatagram {
    Bytes bytes;
    Path path;
    std::size_t segment_size = 0; ///< zero: a single one
    Ecn ecn = Ecn::not_capable;

    [[nodiscard]] std::size_t count() const { return segment_size == 0 ? 1 : (bytes.size() + segment_size - 1) / segment_size; }
};

/// Room for one receive call. Nothing is allocated after it is made. One thread at a time.
class IncomingBatch {
  public:
    /// A datagram longer than `slot_size` is dropped and counted.
    IncomingBatch(std::size_t slots, std::size_t slot_size);
    IncomingBatch(IncomingBatch&&) noexcept;
    IncomingBatch& operator=(IncomingBatch&&) noexcept;
    ~IncomingBatch();

    /// What the last receive brought; valid until the next.
    [[nodiscard]] std::span<IncomingDatagram> datagrams() const;
    /// How many the last receive dropped because they did not fit.
    [[nodiscard]] std::size_t truncated() const;

  private:
    friend class UdpSocket;
    struct Storage;
    std::unique_ptr<Storage> storage_;
};

} // namespace vpn::system
