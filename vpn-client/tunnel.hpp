// One connection at work: the engine, what was changed on the machine for it, and what is seen of its health.
// Everything is put back when this object goes. One thread: the event loop's.
// Refuses to know: commands, signals, and how long anybody waits.
#pragma once

#include "common/crypto/system_random.hpp"
#include "common/system/log.hpp"
#include "tun/engine.hpp"
#include "tun/timestamp_store.hpp"
#include "vpn-client/diagnosis.hpp"
#include "vpn-client/dns/dns.hpp"
#include "vpn-client/firewall_keeper.hpp"
#include "vpn-client/gauges.hpp"
#include "vpn-client/network.hpp"
#include "vpn-client/path_mtu.hpp"
#include "vpn-client/portal/watch.hpp"
#include "vpn-client/preparation.hpp"
#include "vpn-client/probe.hpp"
#include "vpn-client/report.hpp"
#include "vpn-client/roaming.hpp"
#include "vpn-client/till_done.hpp"
#include "vpn-client/watch.hpp"

#include <map>
#include <memory>
#include <optional>

namespace vpn::client {

class Tunnel final : private tun::EngineObserver {
  public:
    /// The parts of a Preparation that a tunnel takes.
    struct Parts {
        ConnectionFile file;
        std::vector<Endpoints> endpoints;            ///< for each peer
        std::vector<std::vector<Endpoints>> servers; ///< for each peer, for each of its servers
        std::optional<LeakLock> lock;
        tun::TunDevice device;
        tun::Sockets sockets;
        NetworkPlan plan;
        Network network;
        Dns dns;
        Outside outside;
        Inside inside;
        Duration limit; ///< how long somebody waits for it to work; zero: for ever
    };

    /// Starts the engine and a first handshake. Keys go from the file into the engine.
    Tunnel(boost::asio::io_context& loop, Parts parts, system::Logger log);
    ~Tunnel() override;
    Tunnel(const Tunnel&) = delete;
    Tunnel& operator=(const Tunnel&) = delete;

    /// A handshake was completed, and somebody inside has answered, if there is anybody to ask.
    [[nodiscard]] bool works() const { return handshake_took_.has_value() && (answered_ || asks_nobody()); }
    /// When the first handshake was complete.
    [[nodiscard]] std::optional<Boot> handshake_at() const { return handshake_at_; }
    /// The interface was removed by somebody: the tunnel is no more.
    [[nodiscard]] bool gone() const { return gone_; }
    /// In the network namespace of one program.
    [[nodiscard]] bool apart() const { return plan_.apart; }
    [[nodiscard]] Evidence evidence() const;
    /// `NAME via ENDPOINT, handshake 23 ms, address 10.66.0.2`. Requires: works().
    [[nodiscard]] std::string success_line() const;
    /// What is not known of the way inside is asked by the way.
    [[nodiscard]] Report report();

    /// From now on the lock stays shut, whatever becomes of us.
    void hold_lock();
    void open_lock_at_end();
    /// The lock stays shut when this goes.
    [[nodiscard]] bool lock_stays() const { return lock_ && lock_->stays(); }
    /// Everything goes past the tunnel for so long, lock or no lock; zero ends it at once.
    /// Errors: the kernel does not let us. Then nothing is paused; an end that it refuses is tried again until it is done.
    Result<void> pause(Duration time);

  private:
    void on_event(const protocol::Event& event) override;
    /// What anybody on the wire can cause is told once a minute. True if it is to be told now.
    [[nodiscard]] bool tell_again(protocol::EventKind kind);
    void on_unreachable(const system::UnreachableReport& report) override;
    void on_timestamps_changed() override;
    void on_interface_gone() override;
    void on_network_changed(const std::vector<system::NetlinkEvent>& events) override;

    void start_engine(Parts& parts);
    void handle_declined();
    void start_roaming(Parts& parts);
    void start_handshakes(const std::vector<Endpoints>& endpoints);
    void handle_endpoint_moved(protocol::PeerId peer);
    void handle_initiation_sent();
    void handle_handshake();
    void start_probe();
    void start_path_mtu();
    void follow_path_mtu();
    void save_timestamps();
    [[nodiscard]] bool end_pause(bool again);
    void tell(const Result<void>& done, const char* trouble, bool again) const;
    [[nodiscard]] bool asks_nobody() const { return targets_.none() || unable_to_ask_; }
    [[nodiscard]] protocol::PeerId main_id() const { return *engine_->find(main_key_); }
    [[nodiscard]] tun::PeerStatus main_status() const { return *engine_->peer(main_id()); }
    [[nodiscard]] PeerReport report_of(const config::ClientPeer& peer) const;
    [[nodiscard]] DnsReport report_of_dns() const;
    void pass_verdict(Report& report) const;

    boost::asio::io_context& loop_;
    system::Logger log_;
    Boot started_;
    ConnectionFile file_; ///< its secret keys have moved into the engine
    NetworkPlan plan_;
    ProbeTargets targets_;
    tun::TimestampStore store_;
    crypto::SystemRandom random_;
    std::optional<LeakLock> lock_; ///< goes after the interface did
    std::unique_ptr<tun::Engine> engine_;
    std::optional<Network> network_; ///< goes before the interface does
    std::optional<FirewallKeeper> firewall_keeper_;
    std::optional<Dns> dns_; ///< goes before the network does
    crypto::PublicKey main_key_;
    PortalWatch portal_watch_;
    Alarm save_;
    TillDone pause_over_;
    Soon soon_;
    Gauges gauges_;
    std::optional<Boot> paused_until_;
    std::string end_refused_; ///< why the last attempt did not end the pause
    InsideSockets asking_;
    system::OsResult<EchoListener> path_listener_; ///< until path_mtu_ has it
    std::optional<Probe> probe_;
    std::unique_ptr<Roaming> roaming_;  ///< once there is an engine
    std::unique_ptr<PathMtu> path_mtu_; ///< with MTU "auto", once somebody inside has answered

    Boot initiation_sent_{};
    std::optional<Duration> handshake_took_;
    std::optional<Boot> handshake_at_;
    /// Since the last handshake, by where they came from.
    std::map<Endpoint, std::uint32_t> port_unreachable_;
    std::map<Endpoint, std::uint32_t> host_unreachable_;
    bool answered_ = false;
    bool unable_to_ask_ = false;
    bool link_down_ = false;
    bool silent_ = false; ///< the server, since the last handshake
    bool gone_ = false;
    std::map<protocol::EventKind, Boot> told_;
};

} // namespace vpn::client
