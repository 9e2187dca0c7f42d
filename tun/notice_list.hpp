// Peers that the control thread must look at: pushed by data threads, without locks, only when a peer's bits were empty. So there
// is at most one entry a peer, however many packets have something to say, and no flood of anything delays it.
#pragma once

#include "tun/live.hpp"

#include <atomic>
#include <new>
#include <vector>

namespace vpn::tun {

/// What a data path told about one peer since the last look.
struct PeerNotice {
    protocol::PeerId peer;
    protocol::Notice notice;
    std::optional<Move> move;
};

class NoticeList {
  public:
    /// Any thread. True if the list was empty: somebody should wake the control thread.
    bool raise(LivePeer& peer, protocol::Notice notice) {
        if (notice == protocol::Notice::none) return false;
        if (peer.notices.fetch_or(static_cast<std::uint32_t>(notice)) != 0) return false;
        LivePeer* head = head_.load();
        do {
            peer.next_noticed = head;
        } while (!head_.compare_exchange_weak(head, &peer));
        return head == nullptr;
    }

    /// Control thread. Everything that was raised; the list is empty afterwards. Throws std::bad_alloc, and then all is in the
    /// list still.
    std::vector<PeerNotice> take() {
        std::vector<PeerNotice> taken;
        LivePeer* peer = head_.exchange(nullptr);
        make_room(taken, peer);
        while (peer != nullptr) {
            LivePeer& each = *peer;
            peer = each.next_noticed; // before the bits are cleared: then it may be pushed again
            const auto notice = static_cast<protocol::Notice>(each.notices.exchange(0));
            std::optional<Move> move;
            if (has(notice, protocol::Notice::moved)) {
                const std::lock_guard lock(each.slow_path);
                move.swap(each.move);
            }
            taken.push_back({each.id, notice, move});
        }
        return taken;
    }

  private:
    /// For each of the list that begins with `first`, which nobody else changes: all of them have bits.
    void make_room(std::vector<PeerNotice>& taken, LivePeer* first) {
        std::size_t count = 0;
        LivePeer* last = nullptr;
        for (LivePeer* each = first; each != nullptr; each = each->next_noticed) ++count, last = each;
        try {
            taken.reserve(count);
        } catch (const std::bad_alloc&) {
            put_back(first, last);
            throw;
        }
    }
    void put_back(LivePeer* first, LivePeer* last) {
        LivePeer* head = head_.load();
        do {
            last->next_noticed = head;
        } while (!head_.compare_exchange_weak(head, first));
    }

    std::atomic<LivePeer*> head_{nullptr};
};

} // namespace vpn::tun
