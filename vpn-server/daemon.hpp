// The running server: the engine, the network around it, the file it runs by, and the door that commands come to.
// One thread, the loop's. Refuses to know: how it was started and how it ends.
#pragma once

#include "common/base/random.hpp"
#include "common/config/uapi_request.hpp"
#include "common/system/control_server.hpp"
#include "common/system/log.hpp"
#include "tun/engine.hpp"
#include "vpn-server/config_file.hpp"
#include "vpn-server/event_log.hpp"
#include "vpn-server/firewall_watch.hpp"
#include "vpn-server/live_network.hpp"
#include "vpn-server/metrics_door.hpp"
#include "vpn-server/request.hpp"
#include "vpn-server/status_report.hpp"
#include "vpn-server/timestamp_keeper.hpp"
#include "vpn-server/uapi_plan.hpp"
#include "vpn-server/usage_keeper.hpp"
#include "vpn-server/whereabouts_keeper.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

namespace vpn::server {

/// So late, at most, an end is seen after somebody set the clock.
inline constexpr std::chrono::seconds clock_looked_at{60};

/// What a daemon is made of once everything stands.
struct DaemonParts {
    ConfigFile file;
    ConfigFile::Content content;
    LiveNetwork network;
    tun::TunDevice device;
    tun::Sockets sockets;
    std::uint16_t mtu;
};

class Daemon final : private tun::EngineObserver {
  public:
    Daemon(boost::asio::io_context& loop, const system::Logger& log, Random& random, DaemonParts parts);
    ~Daemon() override;

    /// What a command asked through the control socket: a line each way.
    std::string handle_line(std::string_view line);
    /// What `wg` asked through its own socket: all there is to know, as text. Holds secrets.
    [[nodiscard]] std::string uapi_get() const;
    /// Carries out a whole set, in the file too; the errno, and then nothing has changed, or zero.
    int uapi_set(config::UapiSet set);
    /// Takes what the file says now. Errors: what is wrong with it; nothing has changed then.
    CommandResult<void> reload();
    /// Somebody removed the interface: the loop was stopped, and there is nothing left to do but to go.
    [[nodiscard]] bool interface_gone() const { return interface_gone_; }

  private:
    void on_event(const protocol::Event& event) override;
    void on_unreachable(const system::UnreachableReport& report) override;
    void on_timestamps_changed() override { timestamps_.changed(); }
    void on_interface_gone() override;
    void on_network_changed(const std::vector<system::NetlinkEvent>& events) override;

    Answer handle(const AskConfigFile& ask);
    Answer handle(const AskStatus& ask);
    Answer handle(const AskReload& ask);
    Answer handle(const AskRekey& ask);
    Answer handle(const AskEndOldKey& ask);
    Answer handle(const AskAddPeer& ask);
    Answer handle(const AskRemovePeer& ask);
    Answer handle(const AskResetPeer& ask);
    Answer handle(const AskEnablePeer& ask);
    Answer handle(const AskRenamePeer& ask);
    Answer handle(const AskRekeyPeer& ask);
    Answer handle(const AskLimitPeer& ask);
    /// What the peer's file is made of.
    [[nodiscard]] Answer hand_over(const std::string& name) const;
    /// Changes the list of peers as peer_edit does, and says so in the log.
    template <class Ask> Answer change_peer(const Ask& ask, std::string_view done);

    /// Runs by `wanted` from now on. Errors: nothing has changed.
    CommandResult<void> adopt(config::ServerConfig wanted);
    /// Writes `wanted` and adopts it. Errors: file and server are as they were.
    CommandResult<void> change(config::ServerConfig wanted);
    CommandResult<void> write_and_adopt(config::ServerConfig wanted);
    CommandResult<void> file_is_ours() const;
    void put_back_file();
    /// As `change`, for one peer more: what has to do with no other is all that is done.
    CommandResult<void> add(config::ServerPeer peer);
    CommandResult<void> write_and_add(config::ServerPeer peer);
    CommandResult<void> take_file();
    /// The network around the tunnel is as `wanted` has it. Errors: nothing has changed.
    CommandResult<void> change_network(const config::ServerConfig& wanted);
    /// As `change`, of sockets and mark too. Nothing has changed on error.
    CommandResult<void> change_all(UapiPlan plan, std::optional<tun::Sockets> sockets);
    void apply_peers(const config::ServerConfig& running, const config::ServerConfig& wanted);
    void name_peers();
    /// Peers are where they were before the restart, and hear of it at once.
    void find_peers_again();
    [[nodiscard]] std::vector<Whereabouts> whereabouts() const;
    /// The peer as it is served now.
    [[nodiscard]] protocol::PeerConfig served(const config::ServerPeer& peer, Wall now);
    void follow_usage(const config::ServerConfig& config);
    /// Ends the sessions of peers whose time is over, lets those in whose limits allow it again, and waits for the next.
    void look_at_expiries();
    /// When the next one is over.
    std::optional<Wall> follow_expiries(Wall now);
    /// Waits for the old key's end, if there is one, and so long at least.
    void await_old_keys_end(Duration at_least = Duration::zero());
    /// Its time is over: it answers no more, whether or not the file can be written.
    void old_key_ended();
    /// Those whose last handshake was by the old key.
    [[nodiscard]] std::vector<crypto::PublicKey> peers_on_old_key() const;
    /// In the log.
    void tell_left_behind(const std::vector<crypto::PublicKey>& peers);
    void look_soon();
    void look_again();
    void watch_firewalls();
    void look_at_firewalls();
    /// Looks at all firewalls if tables of iptables-legacy have changed.
    void look_at_legacy();
    /// What has changed since it was told last.
    void tell_firewalls();
    [[nodiscard]] PeerActivity activity_of(const config::ServerPeer& peer);
    /// Throws std::bad_alloc.
    void require_memory_to_tell() const;
    [[nodiscard]] StatusReport status();
    [[nodiscard]] std::string metrics();

    boost::asio::io_context& loop_;
    system::Logger log_;
    Random& random_;
    ConfigFile file_;
    config::ServerConfig config_;
    ConfigFile::State on_disk_; ///< when it was last read or written here
    std::uint16_t mtu_;
    Now started_;
    LiveNetwork network_;
    EventLog events_;
    std::unordered_map<crypto::PublicKey, std::string> names_;
    boost::asio::steady_timer network_timer_;
    boost::asio::steady_timer expiry_timer_;
    boost::asio::steady_timer old_key_timer_;
    bool old_key_is_over_ = false; ///< but may yet be in the file, if that could not be written
    bool look_pending_ = false;
    bool interface_gone_ = false;
    std::uint64_t handshakes_ = 0; ///< completed
    Mark mark_;
    tun::Engine engine_;
    TimestampKeeper timestamps_;
    UsageKeeper usage_;
    WhereaboutsKeeper whereabouts_;
    MetricsDoor metrics_door_;
    OtherFirewalls told_firewalls_;
    std::optional<FirewallWatch> firewall_watch_;
    std::optional<FirewallWatch> legacy_watch_;
};

} // namespace vpn::server
