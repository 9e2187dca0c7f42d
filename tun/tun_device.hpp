// The interface that programs see: IP packets out of it and into it, up to 64 KiB of them in one call. DATAPATH 1.
// Refuses to know: addresses, routes and queue length (netlink's), and what the packets are.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/system/unique_fd.hpp"
#include "tun/offload/coalesce.hpp"
#include "tun/offload/split.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
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

/// What one read brought: a packet, or a super-packet that `header` says how to split. No bytes: nothing is there.
struct TunRead {
    offload::VnetHeader header;
    MutableBytes packet;
    bool gone = false; ///< somebody removed the interface; nothing will ever come again
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
    /// What a read's buffer holds: the longest packet, its header, and room behind it for padding.
    static constexpr std::size_t read_buffer_size = offload::VnetHeader::size + 65535 + offload::Splitter::tail_room;

    /// Makes the interface `name` in the calling thread's network namespace: 1 to 15 characters that mean nothing to a path or a
    /// pattern. Without `offloads`, or where the kernel has none, every packet is a single one.
    static Result<TunDevice, TunError> open(std::string_view name, bool offloads = true);

    /// What `open` would refuse, as far as it can be told without making the interface.
    static Result<void, TunError> check(std::string_view name);

    /// Non-blocking.
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::uint32_t index() const { return index_; }

    /// Takes one packet or super-packet, without waiting. Requires: read_buffer_size bytes.
    TunRead read(MutableBytes buffer);
    /// Writes single packets, in order. Waits at most a moment (50 ms) for room, once.
    TunWriteReport write(std::span<const Bytes> packets);
    /// Writes what was merged; one that the kernel refuses is written again packet by packet, and its kind never merged again.
    TunWriteReport write(offload::Coalescer& packets);
    /// What super-packets it takes.
    [[nodiscard]] offload::Coalescer::Features features() const;

  private:
    class Writing;
    /// Which offloads work; what threads share.
    struct Offloads {
        bool headers = false; ///< every packet has a VnetHeader in front
        std::atomic<bool> tcp = false;
        std::atomic<bool> udp = false;
    };
    TunDevice(system::UniqueFd fd, std::string name, std::uint32_t index, std::unique_ptr<Offloads> offloads)
        : fd_(std::move(fd)), name_(std::move(name)), index_(index), offloads_(std::move(offloads)) {}
    void agree_on_offloads();

    system::UniqueFd fd_;
    std::string name_;
    std::uint32_t index_;
    std::unique_ptr<Offloads> offloads_;
};

} // namespace vpn::tun
