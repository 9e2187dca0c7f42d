// Keeps the peers within reach of a machine that moves, sleeps and changes its networks, and of servers that do (EXPERIENCE, "How
// it behaves"): a handshake at once on another way out and on waking; the main peer's other addresses raced (RFC 8305), its other
// servers in turn when it is silent, its names looked up again outside the tunnel. One thread: the event loop's.
// Refuses to know: routes and name servers of the tunnel, and what is told to people.
#pragma once

#include "common/config/client_config.hpp"
#include "common/system/log.hpp"
#include "common/system/marked_lookup.hpp"
#include "tun/engine.hpp"
#include "vpn-client/endpoint_book.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/outside.hpp"
#include "vpn-client/wake_watch.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace vpn::client {

class Roaming {
  public:
    struct Parts {
        std::string name; ///< the connection's
        crypto::PublicKey main_key;
        std::vector<config::HostPort> servers;        ///< the main peer's, in the order of the file
        std::vector<std::vector<Endpoint>> endpoints; ///< theirs
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

    // What became of the main peer
    void handle_initiation_sent();
    void handle_handshake();
    /// An authentic packet came from elsewhere.
    void handle_endpoint_moved();

    [[nodiscard]] std::vector<Endpoint> candidates() const { return book_.all(); }

  private:
    struct Question {
        system::MarkedLookup lookup;
        std::optional<Watch> watch;
    };

    void handle_new_way(const IpAddress& destination);
    void handle_lost_way();
    void handle_wake(std::string_view by);
    void handle_silence();
    void race_on();
    void move_to(const Endpoint& endpoint);
    void look_up();
    void look_up_anew();
    void hear(std::size_t server);
    [[nodiscard]] bool would_loop(const Endpoint& endpoint) const;
    [[nodiscard]] bool is_settled() const;
    [[nodiscard]] std::vector<IpAddress> destinations() const;
    [[nodiscard]] protocol::PeerId main_id() const { return *engine_.find(parts_.main_key); }
    [[nodiscard]] tun::PeerStatus main_status() const { return *engine_.peer(main_id()); }
    [[nodiscard]] Endpoint endpoint() const { return main_status().endpoint.value_or(Endpoint()); }

    boost::asio::io_context& loop_;
    Parts parts_;
    tun::Engine& engine_;
    const NetworkPlan& plan_;
    std::optional<LeakLock>& lock_;
    std::function<void()> moved_;
    system::Logger log_;

    EndpointBook book_;
    std::vector<Endpoint> to_race_;
    bool waits_ = false;                        ///< for an answer to an initiation
    bool silent_ = false;                       ///< since the last handshake
    bool elsewhere_ = true;                     ///< nobody has answered yet by the way there is now
    std::map<std::size_t, Question> questions_; ///< by server
    std::optional<Boot> last_lookup_;
    Alarm race_;
    Alarm silence_;
    Alarm overdue_;
    WayWatch ways_;
    WakeWatch wake_;
};

} // namespace vpn::client
