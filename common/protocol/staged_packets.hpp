// Packets that wait for a handshake: at most 128, the oldest goes first when one too many comes (PROTOCOL 3).
#pragma once

#include "common/base/bytes.hpp"
#include "common/protocol/constants.hpp"

#include <list>
#include <utility>

namespace vpn::protocol {

class StagedPackets {
  public:
    /// Keeps a copy. False if the oldest had to go for it.
    bool push(Bytes packet) {
        const bool full = packets_.size() == staged_packets_max;
        if (full) packets_.pop_front();
        packets_.emplace_back(packet.begin(), packet.end());
        return !full;
    }
    void clear() { packets_.clear(); }
    [[nodiscard]] bool empty() const { return packets_.empty(); }
    [[nodiscard]] std::size_t size() const { return packets_.size(); }
    /// All of them, oldest first; none are left.
    [[nodiscard]] std::list<ByteVector> take() { return std::exchange(packets_, {}); }

  private:
    std::list<ByteVector> packets_; ///< which costs nothing as long as it is empty, as it is with most peers
};

} // namespace vpn::protocol
