// Handshake messages on their way from data threads to the control thread: bounded, so that a flood fills it and nothing else.
// Cookie replies wait apart: nothing vouches for one before it is decrypted, so that a flood of them must neither take the place
// of handshakes nor count as load. Refuses to know: what becomes of a message.
#pragma once

#include "common/base/path.hpp"
#include "common/protocol/message.hpp"

#include <deque>
#include <mutex>
#include <new>
#include <optional>

namespace vpn::tun {

class HandshakeQueue {
  public:
    static constexpr std::size_t capacity = 4096;
    static constexpr std::size_t cookie_replies_max = 64;

    struct Item {
        ByteVector datagram;
        Path from;
        std::size_t waiting; ///< how many handshakes there were, this one included, when it was taken
    };

    /// Any thread. Keeps a copy; false if there is no room, or no memory. `first` tells whether it was empty: somebody should
    /// wake control.
    bool push(Bytes datagram, const Path& from, bool& first) {
        const std::lock_guard lock(lock_);
        first = handshakes_.empty() && replies_.empty();
        const bool reply = datagram.size() == protocol::cookie_reply_size;
        std::deque<Item>& queue = reply ? replies_ : handshakes_;
        if (queue.size() == (reply ? cookie_replies_max : capacity)) return false;
        try {
            queue.push_back({ByteVector(datagram.begin(), datagram.end()), from, 0});
        } catch (const std::bad_alloc&) {
            return false;
        }
        return true;
    }
    /// Control thread. The two kinds in turn.
    std::optional<Item> pop() {
        const std::lock_guard lock(lock_);
        const std::size_t waiting = handshakes_.size();
        reply_next_ = !replies_.empty() && (reply_next_ || handshakes_.empty());
        std::deque<Item>& queue = reply_next_ ? replies_ : handshakes_;
        reply_next_ = !reply_next_;
        if (queue.empty()) return std::nullopt;
        Item item = std::move(queue.front());
        queue.pop_front();
        item.waiting = waiting;
        return item;
    }
    [[nodiscard]] std::size_t waiting_handshakes() {
        const std::lock_guard lock(lock_);
        return handshakes_.size();
    }
    [[nodiscard]] std::size_t waiting_replies() {
        const std::lock_guard lock(lock_);
        return replies_.size();
    }
    [[nodiscard]] bool empty() {
        const std::lock_guard lock(lock_);
        return handshakes_.empty() && replies_.empty();
    }

  private:
    std::mutex lock_;
    std::deque<Item> handshakes_;
    std::deque<Item> replies_;
    bool reply_next_ = false;
};

} // namespace vpn::tun
