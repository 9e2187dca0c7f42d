// The engine: a device, a data plane and the threads between a TUN device and the UDP sockets.
// Data threads block on their own descriptors and move packets; the control thread is the caller's Asio loop, where handshakes,
// timers and configuration happen, woken by an event descriptor and by one timer on the boot clock. Nothing polls. Refuses to
// know: routes, addresses, firewalls, files, people. The programs above do those.
#pragma once

#include "common/base/random.hpp"
#include "common/protocol/device.hpp"
#include "common/system/netlink_monitor.hpp"
#include "tun/packet_loops.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <vector>

namespace vpn::tun {

/// What the engine tells the program. Called on the control thread.
class EngineObserver {
  public:
    EngineObserver() = default;
    EngineObserver(const EngineObserver&) = delete;
    EngineObserver& operator=(const EngineObserver&) = delete;
    virtual ~EngineObserver() = default;

    virtual void on_event(const protocol::Event& event) = 0;
    /// An ICMP error came for a datagram of ours. Anybody on the way can forge one: good for a diagnosis, never for a decision.
    virtual void on_unreachable(const system::UnreachableReport& report) = 0;
    /// Engine::timestamps() should be kept across restarts.
    virtual void on_timestamps_changed() = 0;
    /// Somebody removed the interface: no packet will come any more.
    virtual void on_interface_gone() = 0;
    /// Links, addresses or routes of this machine changed. Sources were forgotten already.
    virtual void on_network_changed(const std::vector<system::NetlinkEvent>& events) = 0;
};

/// One peer as `status` shows it.
struct PeerStatus {
    protocol::PeerId id;
    crypto::PublicKey public_key;
    bool has_preshared_key = false;
    std::optional<Endpoint> endpoint;
    std::vector<Prefix> allowed_ips;
    std::optional<Now> last_handshake;
    bool can_send = false; ///< a session stands
    ByteCount received;
    ByteCount sent;
    std::uint64_t handshakes = 0; ///< completed
    protocol::DropCounts drops;   ///< of what was the peer's, or said that it was
    std::chrono::seconds persistent_keepalive{0};
    protocol::AttemptReport attempt;
    std::optional<protocol::Drop> barred;     ///< see protocol::Peer::set_barred
    std::optional<crypto::PublicKey> own_key; ///< see protocol::Peer::own_key
};

/// What waits for the control thread, and for sessions.
struct QueueDepths {
    std::size_t handshakes = 0;
    std::size_t handshakes_max = 0;
    std::size_t cookie_replies = 0;
    std::size_t staged_packets = 0;
};

/// Where an engine's packets come from and go to.
struct Wiring {
    TunDevice device; ///< set up
    Sockets sockets;
    std::size_t mtu;         ///< the interface's
    std::size_t threads = 0; ///< each way; zero: one a core, up to eight
    HandOver hand_over = HandOver::where_it_pays;
};

class Engine {
  public:
    /// Starts the data threads. Everything stays until the engine goes.
    /// Throws std::system_error if the kernel has no descriptor or thread left.
    Engine(boost::asio::io_context& loop, Wiring wiring, protocol::OwnKeys keys, Random& random, EngineObserver& observer);
    /// Ends and joins the threads, and takes the interface away.
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // All on the control thread, taking effect before they return.
    std::optional<protocol::PeerId> set_peer(protocol::PeerConfig config);
    /// Many at once: routes are published once.
    void set_peers(std::vector<protocol::PeerConfig> configs);
    /// Each as far as it says, in this order; routes are published once.
    void change_peers(std::vector<protocol::PeerChange> changes);
    void remove_peer(protocol::PeerId peer);
    void set_endpoint(protocol::PeerId peer, const Endpoint& endpoint);
    /// See protocol::Device::set_keys.
    void set_keys(protocol::OwnKeys keys);
    /// See protocol::Peer::restore_own_key.
    void restore_own_key(protocol::PeerId peer, const crypto::PublicKey& key);
    /// The interface has another MTU from now on.
    void set_mtu(std::size_t mtu);
    /// Sends and receives on these from now on. Sessions stay; data stops for the moment that threads take to end and start.
    /// Throws std::system_error if the kernel has no thread left.
    void set_sockets(Sockets sockets);
    /// Errors: as UdpSocket::set_mark.
    system::OsResult<void> set_mark(Mark mark);
    /// Sends inner packets, each in an outer one that nobody on the way may fragment: packet by packet so large, and no byte more
    /// for padding. False if there is no session to send them on.
    bool send_probes(protocol::PeerId peer, std::span<const ByteVector> packets);
    void want_handshake(protocol::PeerId peer);
    /// The way to the peer is another one, or the machine has slept: a handshake begins at once.
    void handle_new_way(protocol::PeerId peer);
    /// See protocol::Peer::seek_at.
    void seek_at(protocol::PeerId peer, const Endpoint& endpoint);
    /// The initiation that waits for an answer goes there too; whoever answers first is where the peer is.
    void send_initiation_also_to(protocol::PeerId peer, const Endpoint& endpoint);
    void forget_received_timestamp(protocol::PeerId peer);
    void restore(const std::vector<protocol::Timestamps>& timestamps);
    [[nodiscard]] std::vector<protocol::Timestamps> timestamps() const;

    [[nodiscard]] std::optional<protocol::PeerId> find(const crypto::PublicKey& key) const;
    [[nodiscard]] std::optional<PeerStatus> peer(protocol::PeerId id) const;
    [[nodiscard]] std::vector<PeerStatus> peers() const;
    /// The whole of what is known of keys and peers.
    [[nodiscard]] const protocol::Device& conversation() const;
    /// Of both the data path and the conversation.
    [[nodiscard]] protocol::DropCounts drops() const;
    [[nodiscard]] QueueDepths queues() const;
    [[nodiscard]] const crypto::PublicKey& public_key() const;
    [[nodiscard]] Port port() const;
    [[nodiscard]] const std::string& interface_name() const;
    [[nodiscard]] std::uint32_t interface_index() const;

  private:
    class Control;
    std::unique_ptr<Control> control_;
};

} // namespace vpn::tun
