// Keeps the peers within reach of a machine that moves, sleeps and changes its networks, and of servers that do (EXPERIENCE, "How
// it behaves"): a handshake at once on another way out and on waking, if there is anybody who wants the peer; each peer sought at
// its other addresses and servers (peer_search); their names looked up again outside the tunnel. One thread: the event loop's.
// Refuses to know: routes and name servers of the tunnel, and what is told to people.
#pragma once

#include "common/system/log.hpp"
#include "tun/engine.hpp"
#include "vpn-client/dns/resolver_watch.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/name_lookups.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/outside.hpp"
#include "vpn-client/peer_search.hpp"
#include "vpn-client/wake_watch.hpp"

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace vpn::client {

class Roaming {
  public:
    /// A peer of the engine's.
    struct Sought {
        protocol::PeerId id;
        PeerSearch search;
    };
    struct Parts {
        std::string name;      ///< the connection's
        protocol::PeerId main; ///< always wanted
        std::vector<Sought> peers;
        Outside outside;
    };
    /// What stays with the tunnel, and outlives this.
    struct Surroundings {
        tun::Engine& engine;
        const NetworkPlan& plan;
        std::optional<LeakLock>& lock;
        std::function<void()> moved; ///< the main peer is sought elsewhere
    };

    Roaming(boost::asio::io_context& loop, Parts parts, Surroundings surroundings, const system::Logger& log);
    ~Roaming();
    Roaming(const Roaming&) = delete;
    Roaming& operator=(const Roaming&) = delete;

    void handle_initiation_sent(protocol::PeerId peer);
    void handle_handshake(protocol::PeerId peer);
    /// An authentic packet came from elsewhere.
    void handle_endpoint_moved(protocol::PeerId peer);

    /// Of the main peer.
    [[nodiscard]] std::vector<Endpoint> candidates() const;

  private:
    void handle_new_way(const IpAddress& destination);
    void handle_lost_ways();
    void handle_wake(std::string_view by);
    void handle_time();
    void handle_silence(Sought& sought);
    void race(const Sought& sought, const Endpoint& next);
    void move_to(Sought& sought, const Endpoint& endpoint);
    void begin_handshake(Sought& sought);
    void follow_deadlines();
    void follow_candidates();
    void miss(const Sought& sought);
    void look_up_soon(const Sought& sought);
    void look_up_wanted();
    void look_for_the_lost();
    void handle_new_resolvers();
    void hear(const config::HostPort& name, const system::Resolved& answer);
    void hear(Sought& sought, const config::HostPort& name, const std::vector<Endpoint>& endpoints);
    /// Somebody there may be asked.
    [[nodiscard]] bool fits(const Endpoint& endpoint) const;
    [[nodiscard]] bool would_loop(const Endpoint& endpoint) const;
    [[nodiscard]] bool is_wanted(const tun::PeerStatus& peer) const;
    [[nodiscard]] static bool is_settled(const Sought& sought, const tun::PeerStatus& peer);
    [[nodiscard]] tun::PeerStatus status_of(const Sought& sought) const { return *engine_.peer(sought.id); }
    [[nodiscard]] Sought* find(protocol::PeerId peer);
    [[nodiscard]] std::vector<IpAddress> destinations() const;

    Parts parts_;
    tun::Engine& engine_;
    const NetworkPlan& plan_;
    std::optional<LeakLock>& lock_;
    std::function<void()> moved_;
    system::Logger log_;

    std::vector<config::HostPort> missed_; ///< of peers that are sought: to be looked up in a moment
    std::vector<config::HostPort> wanted_; ///< to be looked up anew, since all is new
    NameLookups lookups_;
    Alarm due_; ///< something of a search
    Alarm ask_;
    Alarm anew_;   ///< once all that has changed is known
    Alarm follow_; ///< where the peers may be, if memory did not suffice for it
    Alarm lost_;   ///< peers that nobody knows where to find
    WayWatch ways_;
    WakeWatch wake_;
    std::optional<ResolverWatch> resolver_watch_; ///< where there are names
};

} // namespace vpn::client
