// Handshake messages on their way from data threads to the control thread: bounded, so that a flood fills it and nothing else.
#pragma once

#include "common/base/path.hpp"
#include "common/protocol/message.hpp"

#include <array>
#include <deque>
#include <mutex>
#include <optional>

namespace vpn::tun {

class HandshakeQueue {
  public:
    static constexpr std::size_t capacity = 4096;

    struct Item {
        ByteVector datagram;
        Path from;
        std::size_t waiting; ///< how many there were, this one included, when it was taken
    };

    /// Any thread. Keeps a copy; false if the queue is full. `first` tells whether it was empty: somebody should wake control.
    bool push(Bytes datagram, const Path& from, bool& first) {
        const std::lock_guard lock(lock_);
        first = items_.empty();
        if (items_.size() == capacity) return false;
        items_.push_back({ByteVector(datagram.begin(), datagram.end()), from, 0});
        return true;
    }
    /// Control thread.
    std::optional<Item> pop() {
        const std::lock_guard lock(lock_);
        if (items_.empty()) return std::nullopt;
        Item item = std::move(items_.front());
        item.waiting = items_.size();
        items_.pop_front();
        return item;
    }
    [[nodiscard]] bool empty() {
        const std::lock_guard lock(lock_);
        return items_.empty();
    }

  private:
    std::mutex lock_;
    std::deque<Item> items_;
};

} // namespace vpn::tun
