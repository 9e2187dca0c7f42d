// A server without sockets and threads, as an engine puts it together: what one core does for a packet and for a handshake.
#pragma once

#include "tests/bench/client.hpp"
#include "tun/data_plane.hpp"
#include "tun/handshake_queue.hpp"

#include <vector>

namespace vpn::bench {

class Server {
  public:
    explicit Server(Random& random)
        : device_(crypto::generate_private_key(random), random), plane_(device_.mac_keys(), 1420, [] {}), worker_(plane_) {}

    [[nodiscard]] const crypto::PublicKey& name() const { return device_.public_key(); }
    [[nodiscard]] tun::DataPlane::Worker& worker() { return worker_; }
    [[nodiscard]] Now now() const { return {Boot(std::chrono::hours(1)) + passed_, Wall(std::chrono::hours(400'000)) + passed_}; }
    void pass(Duration time) { passed_ += time; }

    void set_peers(const std::vector<Client>& clients) {
        protocol::Outbox out;
        for (const Client& client : clients) device_.set_peer(client.config(), now(), out);
        carry_out(out);
    }

    /// A handshake as it comes from the network, all the way that it goes. Gives the answer; empty if there is none.
    /// `waiting`: how many more are said to be in the queue.
    ByteVector handle(ByteVector datagram, const Path& from, std::size_t waiting = 0) {
        const ByteVector original = datagram;
        {
            const auto guard = worker_.enter();
            const auto incoming = worker_.open(datagram, from, Ecn::not_capable, now().boot);
            if (!std::holds_alternative<tun::Handshake>(incoming)) return {};
        }
        bool first = false;
        queue_.push(original, from, first);
        const auto item = queue_.pop();
        protocol::Outbox out;
        answer_.clear();
        (void)device_.handle_handshake(item->datagram, item->from, {item->waiting + waiting, tun::HandshakeQueue::capacity},
                                       now(), out);
        carry_out(out);
        return std::exchange(answer_, {});
    }

    /// Does what the data path has told.
    void turn() {
        protocol::Outbox out;
        for (const tun::PeerNotice& notice : plane_.take_notices()) {
            if (notice.move)
                device_.handle_move(notice.peer, notice.move->path, notice.move->born, notice.move->counter, now(), out);
            device_.handle_notice(notice.peer, notice.notice, now(), out);
        }
        carry_out(out);
    }

  private:
    void carry_out(const protocol::Outbox& out) {
        plane_.carry_out(out, device_.allowed_ips(), now().boot,
                         [this](Bytes datagram, const Path&, Ecn) { answer_.assign(datagram.begin(), datagram.end()); });
    }

    Duration passed_{0};
    protocol::Device device_;
    tun::DataPlane plane_;
    tun::DataPlane::Worker worker_;
    tun::HandshakeQueue queue_;
    ByteVector answer_;
};

/// Where client `number` sends from.
inline Path path_of(std::uint32_t number) {
    ByteArray<4> bytes{};
    store_be(bytes.data(), 0xc6120000U + number); // 198.18.0.0/15, for benchmarks
    return {{IpAddress::v4(bytes), Port{51820}, 0}, {}};
}

} // namespace vpn::bench
