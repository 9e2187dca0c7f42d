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

/// A datagram as it arrived; its bytes may be changed in place.
struct IncomingDatagram {
    MutableBytes bytes;
    Path path; ///< from where, and to which address of ours
};

/// A datagram to be sent. An unspecified local address of the path: the kernel chooses.
struct OutgoingDatagram {
    Bytes bytes;
    Path path;
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
    [[nodiscard]] std::span<IncomingDatagram> datagrams();
    /// How many the last receive dropped because they did not fit.
    [[nodiscard]] std::size_t truncated() const;

  private:
    friend class UdpSocket;
    struct Storage;
    std::unique_ptr<Storage> storage_;
};

} // namespace vpn::system
