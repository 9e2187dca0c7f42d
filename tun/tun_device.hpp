// The interface that programs see: IP packets out of it and into it, by the batch. DATAPATH 1 (without the offloads yet).
// Refuses to know: addresses, routes and queue length (netlink's), and what the packets are.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/system/unique_fd.hpp"
#include "tun/packet_batch.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vpn::tun {

struct TunError : Failure {
    enum class Kind : std::uint8_t {
        no_tun,      ///< no /dev/net/tun, or the kernel has no driver behind it
        not_allowed, ///< EPERM, EACCES
        name_taken,
        invalid_name,
        other,
    };
    Kind kind = Kind::other;
};

/// What became of a read. `gone`: somebody removed the interface; nothing will ever come again.
struct TunReadReport {
    std::size_t packets = 0;
    std::size_t truncated = 0; ///< dropped: longer than the batch's slots
    bool gone = false;
};

/// What became of the packets of one write.
struct TunWriteReport {
    std::size_t written = 0;
    std::size_t down = 0;    ///< dropped: the interface is down (EIO)
    std::size_t full = 0;    ///< dropped: EAGAIN or ENOBUFS, and no room within a moment
    std::size_t refused = 0; ///< dropped: the kernel takes no such packet (EINVAL and the like)
    bool gone = false;       ///< the interface was removed; the rest was dropped uncounted

    TunWriteReport& operator+=(const TunWriteReport& other);
};

/// A TUN interface, there as long as this object. Thread-safe but for moving: several threads may read (each into its own batch)
/// and write.
class TunDevice {
  public:
    /// Makes the interface `name` in the calling thread's network namespace: 1 to 15 characters that mean nothing to a path or a
    /// pattern.
    static Result<TunDevice, TunError> open(std::string_view name);

    /// Non-blocking.
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::uint32_t index() const { return index_; }

    /// Reads behind what is in `batch` until the device is empty or the batch is full.
    TunReadReport read(PacketBatch& batch);
    /// Writes all that can be written, in order. Waits at most a moment (50 ms) for room, once.
    TunWriteReport write(std::span<const Bytes> packets);

  private:
    TunDevice(system::UniqueFd fd, std::string name, std::uint32_t index)
        : fd_(std::move(fd)), name_(std::move(name)), index_(index) {}

    system::UniqueFd fd_;
    std::string name_;
    std::uint32_t index_;
};

} // namespace vpn::tun
