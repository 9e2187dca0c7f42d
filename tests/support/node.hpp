// A whole peer without descriptors and threads: the conversation and the data path, on a virtual clock. What an engine does
// between them is done here at once: notices are taken after every packet, handshakes are handled as they come.
#pragma once

#include "common/crypto/system_random.hpp"
#include "common/protocol/device.hpp"
#include "tests/support/inner_packet.hpp"
#include "tests/support/keys.hpp"
#include "tests/support/outbox.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/suites.hpp"
#include "tests/support/virtual_clock.hpp"
#include "tun/data_plane.hpp"

#include <functional>
#include <map>
#include <string_view>
#include <vector>

namespace vpn::support {

/// What one node knows of another.
struct Acquaintance {
    crypto::PublicKey public_key = {};
    std::vector<std::string_view> allowed_ips = {};
    std::optional<Endpoint> endpoint = std::nullopt;
    std::chrono::seconds persistent_keepalive{0};
    const crypto::PresharedKey* preshared_key = nullptr;
    Suite suite = suite_under_test();
    std::optional<Duration> asks_other_suite_after = std::nullopt;
};

class Node {
  public:
    using Carry = std::function<void(Node& from, Bytes datagram, const Path& path)>;
    static constexpr std::size_t mtu = 1420;

    Node(crypto::PrivateKey key, std::uint64_t seed, VirtualClock& clock)
        : random_(seed), clock_(clock), device_(std::move(key), random_), plane_(device_.mac_keys(), mtu, [] {}),
          worker_(plane_) {}
    Node(std::uint64_t seed, VirtualClock& clock) : Node(key_from(seed), seed, clock) {}

    /// The private key that a seed stands for: a node that restarts has it again.
    static crypto::PrivateKey key_from(std::uint64_t seed) {
        SeededRandom random(seed);
        return crypto::generate_private_key(random);
    }

    [[nodiscard]] crypto::PublicKey name() const { return device_.public_key(); }
    [[nodiscard]] Now now() const { return {clock_.now().boot, clock_.now().wall + wall_shift_}; }
    /// Sets this node's calendar off from the others'.
    void shift_wall(Duration by) { wall_shift_ += by; }
    /// Where datagrams go. Set by the wire.
    void plug_into(Carry carry) { carry_ = std::move(carry); }
    /// How full the queue of handshakes is said to be.
    void set_queue(protocol::QueueFill queue) { queue_ = queue; }

    protocol::PeerId meet(const Acquaintance& other) {
        protocol::PeerConfig config;
        config.public_key = other.public_key;
        config.endpoint = other.endpoint;
        config.persistent_keepalive = other.persistent_keepalive;
        config.suite = other.suite;
        config.asks_other_suite_after = other.asks_other_suite_after;
        if (other.preshared_key != nullptr) config.preshared_key = other.preshared_key->clone();
        for (const std::string_view text : other.allowed_ips) config.allowed_ips.push_back(prefix(text));
        std::optional<protocol::PeerId> id;
        configure(
            [&](protocol::Device& device, Now at, protocol::Outbox& out) { id = device.set_peer(std::move(config), at, out); });
        return id.value();
    }
    /// Any other change: `change(Device&, Now, Outbox&)`.
    template <class Change> void configure(Change change) {
        protocol::Outbox out;
        change(device_, now(), out);
        carry_out(out);
        plane_.publish(device_.mac_keys());
        turn();
    }

    /// An inner packet comes from the TUN device. Gives what became of it; what it gave to the network is under way already.
    tun::Outgoing send(ByteVector packet) {
        const std::size_t size = packet.size();
        packet.resize(size + offload::Splitter::tail_room);
        auto single = offload::Splitter::over({}, MutableBytes(packet).first(size));
        tun::SendBuffer out(tun::DataPlane::Worker::room_for(*single));
        const tun::Outgoing outgoing = [&] {
            const auto guard = worker_.enter();
            return worker_.seal_or_stage(*single, out, clock_.boot());
        }();
        for (const Family family : {Family::v4, Family::v6})
            for (const system::OutgoingDatagram& each : out.runs(family)) carry_(*this, each.bytes, each.path);
        turn();
        return outgoing;
    }

    /// A datagram comes from the network.
    void receive(ByteVector datagram, const Path& from) {
        const ByteVector original = datagram;
        bool handshake = false;
        {
            const auto guard = worker_.enter();
            const auto incoming = worker_.open(datagram, from, Ecn::not_capable, clock_.boot());
            if (const auto* each = std::get_if<tun::Deliver>(&incoming)) deliver(each->packet);
            if (std::holds_alternative<tun::Keepalive>(incoming)) ++keepalives_;
            handshake = std::holds_alternative<tun::Handshake>(incoming);
        }
        if (handshake) {
            protocol::Outbox out;
            const auto handled = device_.handle_handshake(original, from, queue_, now(), out);
            if (!handled) drops_.add(handled.error());
            carry_out(out);
        }
        turn();
    }

    /// When this node would wake by itself.
    [[nodiscard]] std::optional<Boot> wakes_at() const { return device_.next_deadline(); }
    void wake() {
        ++wakes_;
        protocol::Outbox out;
        device_.handle_time(now(), out);
        carry_out(out);
        turn();
    }

    /// What arrived for the TUN device since the last call.
    std::vector<ByteVector> take_delivered() { return std::exchange(delivered_, {}); }
    /// Called with every packet for the TUN device, instead of keeping it.
    void on_delivery(std::function<void(Bytes)> taker) { taker_ = std::move(taker); }

    [[nodiscard]] const protocol::Device& device() const { return device_; }
    [[nodiscard]] const protocol::Peer& peer(protocol::PeerId id) const { return *device_.peer(id); }
    [[nodiscard]] std::optional<Endpoint> where(protocol::PeerId id) const {
        const auto& way = peer(id).path();
        return way ? std::optional(way->remote) : std::nullopt;
    }
    [[nodiscard]] bool has_session(protocol::PeerId id) const { return peer(id).keyring().can_send(clock_.boot()); }
    /// Of the data path and the conversation together.
    /// Of what was this peer's, or said that it was.
    [[nodiscard]] std::uint64_t drops(protocol::PeerId of, protocol::Drop reason) const {
        return peer(of).activity()->drops().of(reason);
    }
    [[nodiscard]] std::uint64_t drops(protocol::Drop reason) const { return drops_.of(reason) + plane_.drops().of(reason); }
    [[nodiscard]] int events(protocol::EventKind kind) const {
        const auto found = events_.find(kind);
        return found == events_.end() ? 0 : found->second;
    }
    [[nodiscard]] std::uint64_t wakes() const { return wakes_; }
    /// Empty packets that came in.
    [[nodiscard]] std::uint64_t keepalives() const { return keepalives_; }

  private:
    void deliver(Bytes packet) {
        if (taker_) return taker_(packet);
        delivered_.emplace_back(packet.begin(), packet.end());
    }
    void carry_out(const protocol::Outbox& out) {
        plane_.carry_out(out, device_.allowed_ips(), clock_.boot(),
                         [this](Bytes datagram, const Path& path, Ecn) { carry_(*this, datagram, path); });
        for (const protocol::Event& event : out.events) ++events_[event.kind];
    }
    /// Until the data path has nothing more to tell.
    void turn() {
        for (auto notices = plane_.take_notices(); !notices.empty(); notices = plane_.take_notices()) {
            protocol::Outbox out;
            for (const tun::PeerNotice& notice : notices) {
                if (notice.move)
                    device_.handle_move(notice.peer, notice.move->path, notice.move->born, notice.move->counter, now(), out);
                device_.handle_notice(notice.peer, notice.notice, now(), out);
            }
            carry_out(out);
        }
    }

    crypto::SystemRandom libsodium_; ///< started, it uses what this processor has
    SeededRandom random_;
    VirtualClock& clock_;
    Duration wall_shift_{0};
    protocol::Device device_;
    tun::DataPlane plane_;
    tun::DataPlane::Worker worker_;
    protocol::QueueFill queue_;
    Carry carry_ = [](Node&, Bytes, const Path&) {};
    std::function<void(Bytes)> taker_;
    std::vector<ByteVector> delivered_;
    protocol::DropCounts drops_;
    std::map<protocol::EventKind, int> events_;
    std::uint64_t wakes_ = 0;
    std::uint64_t keepalives_ = 0;
};

} // namespace vpn::support
