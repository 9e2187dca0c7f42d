// Handshake timestamps across restarts: read at the start, saved soon after they change and at the end (PROTOCOL 2).
// Those of peers that are in the file but not in the engine (disabled) are kept too.
// Refuses to know: the engine; it is handed what the engine has.
#pragma once

#include "common/system/log.hpp"
#include "tun/timestamp_store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <unordered_map>
#include <vector>

namespace vpn::server {

class TimestampKeeper {
  public:
    using Current = std::function<std::vector<protocol::Timestamps>()>;

    /// Reads what was kept. A file that can't be used is told in the log, and started anew.
    TimestampKeeper(boost::asio::io_context& loop, tun::TimestampStore store, const system::Logger& log, Current current);

    /// What was kept of these peers.
    [[nodiscard]] std::vector<protocol::Timestamps> of(const std::vector<crypto::PublicKey>& peers) const;
    /// They are saved about a second from now.
    void changed();
    /// Saves what the engine has, and what was kept of others.
    void save();
    /// Takes what the engine has, before peers leave it.
    void note();
    /// Forgets all other peers.
    void keep_only(const std::function<bool(const crypto::PublicKey&)>& known);
    /// Lets a peer in again whose clock was once far ahead.
    void forget_received(const crypto::PublicKey& peer);

  private:
    tun::TimestampStore store_;
    system::Logger log_;
    Current current_;
    boost::asio::steady_timer timer_;
    bool waiting_ = false;
    std::unordered_map<crypto::PublicKey, protocol::Timestamps> kept_;
};

} // namespace vpn::server
