// The data path without descriptors and threads: it seals packets to be sent, opens datagrams that came, and does what the device
// decided. Data threads call their Worker at the same time, without locks on the way of an ordinary packet; the control thread
// publishes what they read. Time is an argument, so two of these talk to each other on a virtual clock in the tests.
// HOUSE, "What decides and what acts"; PROTOCOL 3.
// Refuses to know: sockets, the TUN device, the protocol's timers.
#pragma once

#include "common/protocol/allowed_ips.hpp"
#include "common/protocol/drop.hpp"
#include "common/protocol/ip_packet.hpp"
#include "common/protocol/outbox.hpp"
#include "common/protocol/own_keys.hpp"
#include "tun/epoch.hpp"
#include "tun/notice_list.hpp"
#include "tun/offload/split.hpp"
#include "tun/send_buffer.hpp"
#include "tun/session_table.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <variant>

namespace vpn::tun {

/// The datagrams lie ready in the buffer that was given. Send them only as long as their session is good.
struct Sealed {
    protocol::LocalIndex session;
};
/// Nothing was done: there is no session, so that they must be staged.
struct Unready {};
/// The packets wait for a session.
struct Staged {};
/// What became of a packet from the TUN device, or of all that a super-packet holds.
using Outgoing = std::variant<Sealed, Unready, Staged, protocol::Drop>;

/// An inner packet for the TUN device, within the datagram that it came in.
struct Deliver {
    MutableBytes packet;
};
/// Authentic and empty.
struct Keepalive {};
/// A handshake message with a valid mac1, or a cookie reply: the control thread's.
struct Handshake {};
/// What became of a datagram from the network.
using Incoming = std::variant<Deliver, Keepalive, Handshake, protocol::Drop>;

using RouteTo = protocol::RouteTable<LivePeer*>;
/// What calls of seal under one guard share. They all see the same routes, and a peer that was once found without a session stays
/// without: so nothing overtakes what has to wait.
struct SealBatch {
    const RouteTo* routes = nullptr;
    std::vector<const LivePeer*> unready;
};

/// Of so many peers: about as many lines as a core can wait for at once.
inline constexpr std::size_t expected_at_once = 16;

class DataPlane {
  public:
    /// Sends one datagram; called by carry_out, in order.
    using Send = std::function<void(Bytes datagram, const Path& path, Ecn ecn)>;

    /// `wake` is called from any thread when the first notice waits to be taken.
    DataPlane(const protocol::OwnMacKeys& mac_keys, std::size_t mtu, std::function<void()> wake);
    ~DataPlane();
    DataPlane(const DataPlane&) = delete;
    DataPlane& operator=(const DataPlane&) = delete;

    // Control thread
    /// Does what the device decided, in order. Everything but the events, which are people's. An action that memory does not
    /// suffice for is left out, and takes no other with it; routes are published the next time then, and needs_another_turn().
    void carry_out(const protocol::Outbox& outbox, const protocol::AllowedIps& owners, Boot now, const Send& send);
    /// Seals each packet as it is, without padding, and sends it in order. False if there is no session, or no way to the peer.
    bool send_exactly(protocol::PeerId peer, std::span<const ByteVector> packets, Boot now, const Send& send);
    void publish(const protocol::OwnMacKeys& mac_keys);
    /// Inner packets are padded no further than this.
    void set_mtu(std::size_t mtu) { mtu_.store(mtu); }
    /// What data threads told since the last call. Frees, by the way, what none of them can hold any more. Throws std::bad_alloc,
    /// and then nothing was taken.
    [[nodiscard]] std::vector<PeerNotice> take_notices();
    /// Something still waits to be freed, or routes to be published: call take_notices and carry_out again soon, even if nobody
    /// raises a notice.
    [[nodiscard]] bool needs_another_turn() const { return routes_stale_ || epochs_.pending(); }
    /// How many packets wait for a session, of all peers.
    [[nodiscard]] std::size_t staged_packets() const;
    /// Of all workers, since the start.
    [[nodiscard]] protocol::DropCounts drops() const;

    /// One data thread's way in. Made by the control thread; one thread at a time uses it.
    class Worker {
      public:
        explicit Worker(DataPlane& plane);

        /// Hold it for a batch; what seal and open return is good until then. Don't block meanwhile.
        [[nodiscard]] Epochs::Reader::Guard enter() { return reader_.enter(); }

        /// Ask for the memory that the next calls of seal, or of open, will touch, of several peers at once: what many peers need
        /// is more than caches hold, and one packet after the other would wait for it, step by step. Each looks at no more than
        /// hold expected_at_once runs of a peer's, and gives how many it looked at. Requires: enter().
        std::size_t expect(const SealBatch& batch, std::span<const IpAddress> destinations) const;
        std::size_t expect(std::span<const Bytes> datagrams) const;

        /// Seals all that `packets` gives, one read's worth and so one flow's, into `out`: one look-up, one session, one touch of
        /// the timers. Pads in place: up to 15 bytes behind each packet are overwritten. Requires: out.room() >=
        /// room_for(packets).
        [[nodiscard]] Outgoing seal(SealBatch& batch, offload::Splitter& packets, SendBuffer& out, Boot now);
        [[nodiscard]] SealBatch begin_batch() const { return {plane_.routes_.load(), {}}; }
        /// The same, but keeps the packets if there is no session. For one flow, call it in the order in which packets leave.
        [[nodiscard]] Outgoing seal_or_stage(offload::Splitter& packets, SendBuffer& out, Boot now);
        [[nodiscard]] static std::size_t room_for(const offload::Splitter& packets) {
            return packets.count() * (packets.segment_bytes() + protocol::padding_multiple + protocol::data_overhead_max);
        }

        /// Whether what was sealed on it a while ago may still leave. Otherwise packets that came earlier may have been staged
        /// since, and will leave later.
        [[nodiscard]] bool is_good(protocol::LocalIndex session, Boot now) const;

        /// Opens `datagram` in place. `marked`: what routers said on its outer header; the inner packet hears of it.
        [[nodiscard]] Incoming open(MutableBytes datagram, const Path& from, Ecn marked, Boot now);

        /// For packets that die outside: read by drops().
        void count(protocol::Drop reason);

      private:
        struct Route {
            LivePeer* peer;
            const Path* path;
            std::size_t size; ///< of what the IP header speaks for
        };
        [[nodiscard]] protocol::Checked<Route> find_route(const RouteTo& routes, const offload::Splitter& packets);
        [[nodiscard]] Incoming open_data(protocol::DataFields<std::byte> data, const Path& from, Ecn marked, Boot now);
        [[nodiscard]] protocol::Drop drop(protocol::Drop reason);
        /// The same, of a packet whose peer is known.
        [[nodiscard]] protocol::Drop drop(protocol::Drop reason, const LivePeer& peer);

        DataPlane& plane_;
        Epochs::Reader reader_;
        std::array<std::atomic<std::uint64_t>, protocol::drop_reasons>& drops_;
    };

  private:
    using Counters = std::array<std::atomic<std::uint64_t>, protocol::drop_reasons>;

    void publish_routes(const protocol::AllowedIps& owners);
    void act(const protocol::SendDatagram& action, Boot now, const Send& send);
    void act(const protocol::AddPeer& action, Boot now, const Send& send);
    void act(const protocol::RemovePeer& action, Boot now, const Send& send);
    void act(const protocol::InstallSession& action, Boot now, const Send& send);
    void act(const protocol::UseSession& action, Boot now, const Send& send);
    void act(const protocol::RetireSession& action, Boot now, const Send& send);
    void act(const protocol::SendKeepalive& action, Boot now, const Send& send);
    void act(const protocol::DropStaged& action, Boot now, const Send& send);
    void act(const protocol::SetPath& action, Boot now, const Send& send);

    /// Seals all packets within the peer's rate, a single one up to `size`. None, with nothing consumed, if there is no session,
    /// or it expired.
    std::optional<Sealed> seal_on(Worker& worker, LivePeer& peer, offload::Splitter& packets, std::size_t size, const Path& path,
                                  SendBuffer& out, Boot now);
    /// Tells timers and sums what left on `session`.
    void note_sent(LiveSession& session, bool data, std::size_t bytes, Boot now);
    /// False if the session has no counter left.
    bool seal_and_send(LiveSession& session, Bytes packet, Ecn ecn, const Path& path, Boot now, const Send& send);
    void send_on(LiveSession& session, ByteVector packet, const Path& path, Boot now, const Send& send);
    void count_lost(const LivePeer& peer);
    void notify(LivePeer& peer, protocol::Notice notice);
    void note_move(LivePeer& peer, const Path& from, Boot born, std::uint64_t counter);
    Counters& new_counters();

    std::function<void()> wake_;
    Epochs epochs_;
    std::atomic<std::size_t> mtu_;
    std::atomic<const protocol::OwnMacKeys*> mac_keys_;
    std::atomic<const RouteTo*> routes_;
    SessionTable sessions_;
    NoticeList notices_;

    // What the control thread owns and data threads only reach through the pointers above.
    std::shared_ptr<const protocol::OwnMacKeys> owned_mac_keys_;
    std::shared_ptr<const RouteTo> owned_routes_;
    std::unordered_map<protocol::PeerId, std::shared_ptr<LivePeer>> peers_;
    std::unordered_map<protocol::PeerId, std::shared_ptr<const Path>> paths_;
    struct Live {
        std::shared_ptr<LiveSession> session;
        Epochs::Place after; ///< when it is retired, which can't be put off: its peer may go
    };
    std::unordered_map<const protocol::Session*, Live> live_sessions_;
    std::vector<std::shared_ptr<const void>> leaving_; ///< to be retired once the routes are published
    bool routes_stale_ = false;                        ///< they are to be published
    std::list<Counters> counters_;
    protocol::DropCounts drops_; ///< the control thread's own
};

} // namespace vpn::tun
