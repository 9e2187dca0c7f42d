// A peer and a session as data threads see them: what `protocol` decides about, plus what sharing it between threads takes.
// Refuses to know: how either came about. The control thread makes, publishes and retires them.
#pragma once

#include "common/base/path.hpp"
#include "common/protocol/activity.hpp"
#include "common/protocol/keyring.hpp"
#include "common/protocol/replay_window.hpp"
#include "common/protocol/staged_packets.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace vpn::tun {

struct LivePeer;

/// A session that packets may use: the pure one, and the window under a lock that is taken after the AEAD.
class alignas(cache_line) LiveSession {
  public:
    LiveSession(protocol::SessionPtr session, LivePeer& peer) : session_(std::move(session)), peer_(peer) {}

    [[nodiscard]] protocol::Session& session() const { return *session_; }
    [[nodiscard]] LivePeer& peer() const { return peer_; }
    /// Thread-safe. True once for each counter; see ReplayWindow::accept.
    [[nodiscard]] bool accept(std::uint64_t counter) {
        const std::lock_guard lock(window_lock_);
        return window_.accept(counter);
    }
    /// Ask for what sealing a packet, or opening that of a counter, will touch of it: first here, then further on.
    void expect() const { prefetch(*this, cache_line); }
    void expect(std::uint64_t counter) const { window_.expect(counter); }
    void expect_further() const { prefetch(*session_); }

  private:
    const protocol::SessionPtr session_;
    LivePeer& peer_;
    std::mutex window_lock_;
    protocol::ReplayWindow window_;
};

/// An authentic packet that came by another way than the peer's.
struct Move {
    Path path;
    Boot born;             ///< of the session it came on
    std::uint64_t counter; ///< of the packet
};

/// What a packet touches stands first, in two lines of the cache at most; not aligned to one, since idle peers are many.
struct LivePeer {
    LivePeer(protocol::PeerId the_id, std::shared_ptr<protocol::Activity> shared) : id(the_id), activity(std::move(shared)) {}

    const protocol::PeerId id;
    const std::shared_ptr<protocol::Activity> activity;
    /// Written by the control thread; what they held is retired by epochs.
    std::atomic<LiveSession*> sending{nullptr};
    std::atomic<const Path*> path{nullptr};
    /// Bits of Notice that control has not taken yet; the peer is in the notice list while there are any.
    std::atomic<std::uint32_t> notices{0};
    LivePeer* next_noticed = nullptr;

    /// The slow path: no session yet, or a new way. Never taken for a packet that just goes through.
    std::mutex slow_path;
    protocol::StagedPackets staged;
    std::optional<Move> move;

    /// Ask for what a packet of this peer will touch: first here, then further on.
    void expect() const { prefetch(*this, 2 * cache_line); }
    void expect_further() const {
        activity->expect();
        if (const Path* way = path.load()) prefetch(*way);
    }
};

} // namespace vpn::tun
