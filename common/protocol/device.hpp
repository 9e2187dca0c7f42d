// The only door into the conversation (PROTOCOL 2 and 3). It takes a handshake datagram, a notice of the data path, a change of
// configuration, or "it is now T", and fills an Outbox; next_deadline() says exactly when it wants to be asked again.
// It never sees a data packet: those use sessions directly (`tun/data_plane`), which is why a flood here can't stop them there.
// Refuses to know: sockets, clocks, threads. One thread at a time calls it.
#pragma once

#include "common/protocol/allowed_ips.hpp"
#include "common/protocol/load_meter.hpp"
#include "common/protocol/peer.hpp"
#include "common/protocol/rate_limiter.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace vpn::protocol {

/// What a configuration says of one peer.
struct PeerConfig {
    crypto::PublicKey public_key;
    crypto::PresharedKey preshared_key;
    std::optional<Endpoint> endpoint;
    std::vector<Prefix> allowed_ips;
    std::chrono::seconds persistent_keepalive{0};
    Suite suite = Suite::wireguard;
    std::optional<Duration> asks_other_suite_after = std::nullopt; ///< see Peer::set_asks_other_suite
    std::optional<Drop> barred = std::nullopt;                     ///< see Peer::set_barred; nothing is routed to it then
    std::optional<ByteCount> quota_left = std::nullopt;            ///< of both directions together; then it is barred
    std::optional<BitRate> rate = std::nullopt;                    ///< of each direction
};

/// A change of one peer (PROTOCOL 4): what it does not say stays as it was.
struct PeerChange {
    struct AllowedIp {
        Prefix prefix;
        bool remove = false;
    };
    crypto::PublicKey public_key;
    bool remove = false;
    bool update_only = false; ///< no new peer comes of it
    bool replace_allowed_ips = false;
    std::vector<AllowedIp> allowed_ips; ///< in this order
    std::optional<crypto::PresharedKey> preshared_key;
    std::optional<Endpoint> endpoint;
    std::optional<std::chrono::seconds> persistent_keepalive;
};

/// How full the queue of waiting handshakes was when this one was taken from it.
struct QueueFill {
    std::size_t waiting = 0;
    std::size_t capacity = 0;
    bool memory_is_short = false; ///< who has no session gets none: what memory there is, is for those who have
};

class Device {
  public:
    Device(OwnKeys keys, Random& random);

    [[nodiscard]] const crypto::PublicKey& public_key() const { return ours_.current().public_key; }
    /// All zeros: none, and no conversation before there is one.
    [[nodiscard]] const crypto::PrivateKey& private_key() const { return ours_.current().private_key; }
    /// What a data thread checks a handshake's mac1 with, before it queues it.
    [[nodiscard]] const OwnMacKeys& mac_keys() const { return ours_.mac_keys(); }

    // Configuration. Every one of these takes effect at once.
    /// All zeros take the key away. A key that stays, be it as the old one, ends nothing that was agreed by it.
    void set_keys(OwnKeys keys, Now now, Outbox& out);
    /// Adds the peer, or changes the one with this key to be exactly so; its session stays. None for our own key.
    std::optional<PeerId> set_peer(PeerConfig config, Now now, Outbox& out);
    /// The peer, if there is one afterwards; a new one speaks suite wireguard. Our own key is ignored.
    std::optional<PeerId> change_peer(PeerChange change, Now now, Outbox& out);
    void set_endpoint(PeerId peer, const Endpoint& endpoint, Now now, Outbox& out);
    void remove_peer(PeerId peer, Now now, Outbox& out);
    /// See Peer::set_barred. Nothing is routed to it any more; set_peer alone lets it in again.
    void bar(PeerId peer, Drop reason, Now now, Outbox& out);
    /// Lets a peer in again whose clock was once far ahead.
    void forget_received_timestamp(PeerId peer);
    void restore(const std::vector<Timestamps>& timestamps);
    /// See Peer::restore_own_key.
    void restore_own_key(PeerId peer, const crypto::PublicKey& key);
    [[nodiscard]] std::vector<Timestamps> timestamps() const;

    // Input
    /// A datagram of any type but 4, data, whose mac1 (if it has one) was already found valid by mac_keys().
    /// Errors: why it was dropped; on error nothing has changed but, under load or in the other suite, a cookie reply in `out`.
    Checked<void> handle_handshake(Bytes datagram, const Path& from, QueueFill queue, Now now, Outbox& out);
    void handle_notice(PeerId peer, Notice notice, Now now, Outbox& out);
    /// See Peer::handle_move.
    void handle_move(PeerId peer, const Path& from, Boot born, std::uint64_t counter, Now now, Outbox& out);
    /// Somebody wants to talk to this peer now.
    void want_handshake(PeerId peer, Now now, Outbox& out);
    /// See Peer::handle_new_way.
    void handle_new_way(PeerId peer, Now now, Outbox& out);
    /// See Peer::seek_at.
    void seek_at(PeerId peer, const Endpoint& endpoint, Now now, Outbox& out);
    /// See Peer::send_initiation_also_to.
    void send_initiation_also_to(PeerId peer, const Endpoint& endpoint, Now now, Outbox& out);
    /// Our addresses changed: the kernel chooses the source again.
    void forget_local_sources(Now now, Outbox& out);
    /// Does what is due by now, of so many peers at most; next_deadline() tells of the others.
    void handle_time(Now now, Outbox& out, std::size_t peers_at_most = SIZE_MAX);
    [[nodiscard]] std::optional<Boot> next_deadline() const;

    // For people and tables
    [[nodiscard]] const AllowedIps& allowed_ips() const { return allowed_ips_; }
    [[nodiscard]] std::optional<PeerId> find(const crypto::PublicKey& key) const;
    [[nodiscard]] const Peer* peer(PeerId id) const;
    [[nodiscard]] std::vector<PeerId> peers() const;

  private:
    Checked<void> handle_initiation(const InitiationView& initiation, const Path& from, bool memory_is_short, Context context);
    Checked<void> handle_response(const ResponseView& response, const Path& from, Context context);
    Checked<void> handle_cookie_reply(const CookieReplyView& reply, Context context);
    void send_cookie(MacFields<const std::byte> macs, std::uint32_t sender, const Path& from, Context context);
    PeerId add_peer(const crypto::PublicKey& key, crypto::PresharedKey preshared, Suite suite, Outbox& out);
    /// Calls `act` on the peer, if there is one, and asks it for its deadline afterwards.
    template <class Act> void with_peer(PeerId id, Act act);
    void reschedule(const Peer& peer);
    Context context(Now now, Outbox& out) { return {ours_, indices_, random_, now, out}; }

    OwnKeys ours_;
    Random& random_;
    CookieMint cookies_;
    LoadMeter load_;
    RateLimiter limiter_;
    IndexTable indices_;
    AllowedIps allowed_ips_;
    std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
    std::unordered_map<crypto::PublicKey, PeerId> by_key_;
    std::set<std::pair<Boot, PeerId>> deadlines_;
    std::unordered_map<PeerId, Boot> scheduled_;
    std::uint32_t next_id_ = 1;
};

} // namespace vpn::protocol
