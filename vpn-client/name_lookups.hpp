// Looks names of peers up outside the tunnel, by marked sockets, several beside each other; a lock that stands lets the questions
// pass while any is under way. One thread: the event loop's.
// Refuses to know: whose names they are, and what follows from an answer.
#pragma once

#include "common/system/marked_lookup.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/lookup_queue.hpp"
#include "vpn-client/watch.hpp"

#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace vpn::client {

class NameLookups {
  public:
    struct Means {
        /// Tells whom to ask: at least one.
        std::function<std::vector<Resolver>()> resolvers;
        /// None: sockets are made.
        std::optional<system::SocketStock> sockets;
        /// Outlives this.
        std::optional<LeakLock>& lock;
    };
    using Heard = std::function<void(const config::HostPort&, const system::Resolved&)>;

    /// `names` have just been looked up.
    NameLookups(boost::asio::io_context& loop, Means means, const std::vector<config::HostPort>& names, Heard heard);
    ~NameLookups();
    NameLookups(const NameLookups&) = delete;
    NameLookups& operator=(const NameLookups&) = delete;

    /// Those that were not asked for lately; addresses are passed over.
    void ask(const std::vector<config::HostPort>& names);
    /// The network is another one: those, and what is under way, whenever it was asked for.
    void ask_anew(const std::vector<config::HostPort>& names);
    /// True if others would be asked now than the last time that somebody looked: for a question, here, or when this was made.
    bool handle_new_resolvers();

  private:
    struct Question {
        system::MarkedLookup lookup;
        Watch watch;
        std::vector<Resolver> asked;
    };
    void begin();
    void look_whom_to_ask();
    void begin(const config::HostPort& name);
    void hear(const config::HostPort& name);

    boost::asio::io_context& loop_;
    Means means_;
    Heard heard_;
    LookupQueue queue_;
    std::map<config::HostPort, Question> questions_;
    std::vector<Resolver> asked_; ///< by the next question
    bool open_ = false;           ///< the lock, for those
};

} // namespace vpn::client
