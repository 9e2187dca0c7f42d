// Sealed datagrams on their way to the sockets, one behind the other in a slab that is made once. Neighbours of one size to one
// place become one UDP_SEGMENT send, whichever packets they came from (DATAPATH 2). Refuses to know: sockets. Whoever flushes
// takes the runs of one family.
#pragma once

#include "common/base/slab.hpp"
#include "common/system/datagram_batch.hpp"

#include <array>
#include <span>
#include <vector>

namespace vpn::tun {

class SendBuffer {
  public:
    static constexpr std::size_t together_max = 64; ///< UDP_MAX_SEGMENTS of older kernels
    static constexpr std::size_t together_bytes_max =
        65473; ///< 64 KiB with all headers: more, and the kernel cuts it before the link

    explicit SendBuffer(std::size_t capacity) : slab_(capacity) {
        for (auto& runs : runs_) runs.reserve(256);
    }

    [[nodiscard]] std::size_t room() const { return slab_.size() - used_; }
    [[nodiscard]] bool empty() const { return used_ == 0; }
    /// Where the next datagram goes. Requires: size <= room().
    [[nodiscard]] MutableBytes next(std::size_t size) { return slab_.bytes().subspan(used_, size); }

    /// Takes the first `size` bytes of next() as a datagram that goes this way.
    void add(std::size_t size, const Path& path, Ecn ecn) {
        const Bytes datagram = slab_.bytes().subspan(used_, size);
        used_ += size;
        auto& runs = runs_[static_cast<std::size_t>(path.remote.address.family())];
        if (!runs.empty() && joins(runs.back(), datagram, path, ecn)) {
            system::OutgoingDatagram& run = runs.back();
            if (run.segment_size == 0) run.segment_size = run.bytes.size();
            run.bytes = {run.bytes.data(), run.bytes.size() + size};
            return;
        }
        runs.push_back({datagram, path, 0, ecn});
    }

    [[nodiscard]] std::span<const system::OutgoingDatagram> runs(Family family) const {
        return runs_[static_cast<std::size_t>(family)];
    }
    void clear() {
        used_ = 0;
        for (auto& runs : runs_) runs.clear();
    }

  private:
    static bool joins(const system::OutgoingDatagram& run, Bytes datagram, const Path& path, Ecn ecn) {
        const std::size_t segment = run.segment_size == 0 ? run.bytes.size() : run.segment_size;
        return datagram.data() == run.bytes.data() + run.bytes.size()           // its neighbour
               && datagram.size() <= segment && run.bytes.size() % segment == 0 // the last may be shorter, no other
               && run.bytes.size() / segment < together_max && run.bytes.size() + datagram.size() <= together_bytes_max &&
               run.ecn == ecn && run.path == path;
    }

    Slab slab_;
    std::size_t used_ = 0;
    std::array<std::vector<system::OutgoingDatagram>, 2> runs_;
};

} // namespace vpn::tun
