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

    /// Hands over what was kept of these peers: the engine has it from now on.
    std::vector<protocol::Timestamps> take(const std::vector<crypto::PublicKey>& peers);
    /// They are saved about a second from now.
    void changed();
    /// Saves what the engine has, and what was kept of others.
    void save();
    /// Keeps what the engine has of these, before they leave it.
    void keep(const std::vector<crypto::PublicKey>& peers);
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
    std::unordered_map<crypto::PublicKey, protocol::Timestamps> kept_; ///< of peers that the engine does not have
};

} // namespace vpn::server
