// What peers with a quota have used, across restarts: read at the start, saved every ten seconds while it grows, and at the end.
// Refuses to know: the engine; it is told each peer's sum since the start.
#pragma once

#include "common/system/handler_memory.hpp"
#include "common/system/log.hpp"
#include "vpn-server/usage_store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace vpn::server {

class UsageKeeper {
  public:
    /// What passed of a peer since the start, both ways together; none if it is not there.
    using Passed = std::function<std::optional<ByteCount>(const crypto::PublicKey&)>;

    /// Reads what was kept. A file that can't be used is told in the log, and started anew.
    UsageKeeper(boost::asio::io_context& loop, UsageStore store, const system::Logger& log, Passed passed);

    /// Exactly these peers have a quota. One that is new begins with what was kept of it, or with nothing.
    void follow_only(const std::vector<crypto::PublicKey>& peers);
    /// Up to now. Zero for a peer that has no quota.
    [[nodiscard]] ByteCount of(const crypto::PublicKey& peer);
    /// Begins anew, and saves.
    void reset(const crypto::PublicKey& peer);
    /// The peer has another key from now on, and what it used is what it used. Before follow_only is told of it.
    void move(const crypto::PublicKey& from, const crypto::PublicKey& to);
    /// Something of this peer passes: it is saved from time to time until nothing does any more.
    void handle_activity(const crypto::PublicKey& peer);
    /// If there is anything to save.
    void save();

  private:
    struct Entry {
        ByteCount used;
        ByteCount seen; ///< of what passed, how much is in `used`
    };
    void note(const crypto::PublicKey& peer, Entry& entry);
    /// True if anything has grown.
    bool note_all();
    void arm();
    void write();

    UsageStore store_;
    system::Logger log_;
    Passed passed_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<system::HandlerMemory> waiting_ = std::make_shared<system::HandlerMemory>();
    int quiet_turns_left_ = 0;
    std::unordered_map<crypto::PublicKey, Entry> entries_;
    Usage kept_; ///< of peers that were not followed yet
};

} // namespace vpn::server
