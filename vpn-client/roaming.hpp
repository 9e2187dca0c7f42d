// Keeps the peers within reach of a machine that moves, sleeps and changes its networks, and of servers that do (EXPERIENCE, "How
// it behaves"): a handshake at once on another way out and on waking; the main peer's other addresses raced (RFC 8305), its other
// servers in turn when it is silent; the names of all peers looked up again outside the tunnel. One thread: the event loop's.
// Refuses to know: routes and name servers of the tunnel, and what is told to people.
#pragma once

#include "common/config/client_config.hpp"
#include "common/system/log.hpp"
#include "tun/engine.hpp"
#include "vpn-client/dns/resolver_watch.hpp"
#include "vpn-client/endpoint_book.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/name_lookups.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/outside.hpp"
#include "vpn-client/wake_watch.hpp"

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace vpn::client {

class Roaming {
  public:
    /// A peer as the file has it.
    struct Named {
        crypto::PublicKey key;
        std::vector<config::HostPort> servers;        ///< in the order of the file
        std::vector<std::vector<Endpoint>> endpoints; ///< theirs
    };
    struct Parts {
        std::string name; ///< the connection's
        Named main;
        std::vector<Named> others;
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
    // What became of the main peer
    void handle_handshake();
    /// An authentic packet came from elsewhere.
    void handle_endpoint_moved();

    [[nodiscard]] std::vector<Endpoint> candidates() const { return book_.all(); }

  private:
    /// A peer that is not the main one: only its names are followed.
    struct Beside {
        Named named;
        EndpointBook book;
    };

    void handle_new_way(const IpAddress& destination);
    void handle_lost_way();
    void handle_wake(std::string_view by);
    void handle_silence();
    void handle_initiation_beside(protocol::PeerId peer);
    void race_on();
    void move_to(const Endpoint& endpoint);
    void look_up();
    void look_up_soon(const Named& named);
    void look_up_wanted();
    void look_for_the_lost();
    void handle_new_resolvers();
    void hear(const config::HostPort& name, const system::Resolved& answer);
    void hear_beside(Beside& beside, const config::HostPort& name, const std::vector<Endpoint>& endpoints);
    [[nodiscard]] bool would_loop(const Endpoint& endpoint) const;
    [[nodiscard]] bool is_settled() const;
    [[nodiscard]] static bool is_settled(const tun::PeerStatus& beside);
    [[nodiscard]] std::optional<tun::PeerStatus> status_of(const Beside& beside) const;
    [[nodiscard]] std::vector<IpAddress> destinations() const;
    [[nodiscard]] protocol::PeerId main_id() const { return *engine_.find(parts_.main.key); }
    [[nodiscard]] tun::PeerStatus main_status() const { return *engine_.peer(main_id()); }
    [[nodiscard]] Endpoint endpoint() const { return main_status().endpoint.value_or(Endpoint()); }

    Parts parts_;
    tun::Engine& engine_;
    const NetworkPlan& plan_;
    std::optional<LeakLock>& lock_;
    std::function<void()> moved_;
    system::Logger log_;

    EndpointBook book_;
    std::vector<Beside> beside_;
    std::vector<Endpoint> to_race_;
    bool waits_ = false;                   ///< for an answer to an initiation
    bool silent_ = false;                  ///< since the last handshake
    bool elsewhere_ = true;                ///< nobody has answered yet by the way there is now
    std::vector<config::HostPort> wanted_; ///< to be looked up in a moment
    NameLookups lookups_;
    Alarm race_;
    Alarm silence_;
    Alarm overdue_;
    Alarm anew_; ///< once all that has changed is known
    Alarm lost_; ///< peers that nobody knows where to find
    WayWatch ways_;
    WakeWatch wake_;
    std::optional<ResolverWatch> resolver_watch_; ///< where there are names
};

} // namespace vpn::client
