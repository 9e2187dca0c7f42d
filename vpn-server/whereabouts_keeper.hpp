// Where peers are, across restarts: read at the start, saved soon after one came or moved, and at the end. A server that starts
// again says hello to those who were there a moment ago, one after the other: their sessions died with it, and by themselves
// they would take fifteen seconds to see that.
// Refuses to know: the engine; it is told where everybody is, and asks for what it wants done.
#pragma once

#include "common/system/log.hpp"
#include "vpn-server/whereabouts_store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <unordered_map>

namespace vpn::server {

class WhereaboutsKeeper {
  public:
    /// Those that have had a handshake since the start.
    using Current = std::function<std::vector<Whereabouts>()>;
    using Hello = std::function<void(const crypto::PublicKey&)>;

    /// Reads what was kept. A file that can't be used is told in the log, and started anew.
    WhereaboutsKeeper(boost::asio::io_context& loop, WhereaboutsStore store, const system::Logger& log, Current current);

    [[nodiscard]] std::vector<Whereabouts> kept() const;
    /// Calls `hello` for each that was there a moment before `now`, spread out, those seen last first.
    void greet(Wall now, Hello hello);
    /// They are saved some seconds from now.
    void changed();
    void save();
    /// Forgets all other peers.
    void keep_only(const std::function<bool(const crypto::PublicKey&)>& known);

  private:
    void greet_next();

    WhereaboutsStore store_;
    system::Logger log_;
    Current current_;
    boost::asio::steady_timer save_timer_;
    boost::asio::steady_timer hello_timer_;
    Hello hello_;
    bool waiting_ = false;
    std::unordered_map<crypto::PublicKey, Whereabouts> kept_;
    std::deque<crypto::PublicKey> to_greet_;
};

} // namespace vpn::server
