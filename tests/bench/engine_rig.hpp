// A real engine with threads, sockets and a TUN device, and one socket that plays all of its clients, in namespaces of their own.
#pragma once

#include "common/crypto/system_random.hpp"
#include "common/system/clocks.hpp"
#include "tests/bench/client.hpp"
#include "tests/bench/thread_usage.hpp"
#include "tests/support/net_namespace.hpp"
#include "tun/engine.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace vpn::bench {

using namespace std::chrono_literals;

class Silent : public tun::EngineObserver {
  public:
    void on_event(const protocol::Event&) override {}
    void on_unreachable(const system::UnreachableReport&) override {}
    void on_timestamps_changed() override {}
    void on_interface_gone() override {}
    void on_network_changed(const std::vector<system::NetlinkEvent>&) override {}
};

class EngineRig {
  public:
    static constexpr std::size_t packet_size = 64;

    /// Every client is connected afterwards. `threads`: each way; zero leaves it to the engine.
    EngineRig(Suite suite, std::uint32_t count, std::size_t threads = 0)
        : engine_(make_engine(threads)),
          playing_(open_socket()), there_{{*IpAddress::parse("127.0.0.1"), engine_->port(), 0}, {}} {
        for (std::uint32_t i = 0; i < count; ++i) clients_.emplace_back(suite, i, engine_->public_key(), random_);
        std::vector<protocol::PeerConfig> configs;
        for (const Client& client : clients_) configs.push_back(client.config());
        engine_->set_peers(std::move(configs));
        for (std::size_t start = 0; start < count; start += 32) connect(start, std::min<std::size_t>(count, start + 32));
    }
    EngineRig(const EngineRig&) = delete;
    EngineRig& operator=(const EngineRig&) = delete;

    [[nodiscard]] std::vector<Client>& clients() { return clients_; }
    [[nodiscard]] tun::Engine& engine() { return *engine_; }
    [[nodiscard]] const Path& there() const { return there_; }
    /// The way that a client's datagrams take: each client has an address of its own, as it would have outside.
    [[nodiscard]] Path way_of(std::size_t client) const {
        ByteArray<4> source{};
        store_be(source.data(), 0x7f010000U + static_cast<std::uint32_t>(client));
        return {there_.remote, {IpAddress::v4(source), 0}};
    }
    /// Where the machine's own programs send into the tunnel.
    [[nodiscard]] const test::NetNamespace& inside() const { return inside_; }
    [[nodiscard]] system::UdpSocket open_socket() const {
        const test::Inside inside(wire_);
        return std::move(system::UdpSocket::open(Family::v4, Port{}, Mark{}).value());
    }

    /// Runs `work(stop)` in a thread of its own for that long; the engine's control thread is this one. Seconds that it took.
    template <class Work> double run_for(std::chrono::milliseconds time, Work work) {
        std::atomic<bool> stop{false};
        const ThreadUsage threads;
        const auto start = std::chrono::steady_clock::now();
        std::thread worker([&] { work(stop); });
        loop_.run_for(time);
        stop = true;
        const auto end = std::chrono::steady_clock::now();
        const double seconds = std::chrono::duration<double>(end - start).count();
        usage_ = threads.since(seconds);
        worker.join();
        return seconds;
    }
    /// Until what is on its way has arrived.
    void settle() { loop_.run_for(200ms); }

    /// What `run_for` used of the cores last, by threads that were there before: the engine's.
    [[nodiscard]] const Usage& usage() const { return usage_; }

    /// Authentic packets of peers since the start, if all were of `size`.
    [[nodiscard]] double received(std::size_t size = packet_size) const { return sum(&tun::PeerStatus::received, size); }
    [[nodiscard]] double sent(std::size_t size = packet_size) const { return sum(&tun::PeerStatus::sent, size); }
    /// Datagrams that found no room in the buffer of the engine's socket since the start.
    [[nodiscard]] double overflowed() const {
        const test::Inside inside(wire_);
        std::array<char, 8> port{};
        std::snprintf(port.data(), port.size(), ":%04X", engine_->port().value);
        return std::stod(test::shell("awk '$2 ~ /" + std::string(port.data()) + "$/ {print $NF}' /proc/net/udp"));
    }

    /// Seals `batch` packets, each of a client that `next()` names, and sends them as lone datagrams.
    class Sender {
      public:
        explicit Sender(EngineRig& rig, std::size_t batch = 64, std::size_t size = packet_size)
            : rig_(rig), socket_(rig.playing_) {
            const IpAddress nowhere = *IpAddress::parse("10.254.0.1"); // taken, and dropped without an answer
            for (Client& client : rig.clients_)
                packets_.push_back(plain_packet(Client::address_of(client.number()), nowhere, size));
            sealed_.assign(batch, ByteVector(size + rig.clients_.front().overhead()));
            for (const ByteVector& each : sealed_) outgoing_.push_back({each, rig.there_});
        }
        /// How many were sent.
        template <class Next> std::size_t send(Next next) {
            for (std::size_t i = 0; i < sealed_.size(); ++i) {
                const std::size_t client = next();
                rig_.clients_[client].seal(packets_[client], sealed_[i]);
                outgoing_[i].path = rig_.way_of(client);
            }
            return socket_.send(outgoing_).sent;
        }

      private:
        EngineRig& rig_;
        system::UdpSocket& socket_;
        std::vector<ByteVector> packets_;
        std::vector<ByteVector> sealed_;
        std::vector<system::OutgoingDatagram> outgoing_;
    };

  private:
    std::unique_ptr<tun::Engine> make_engine(std::size_t threads) {
        auto sockets = [&] {
            const test::Inside inside(wire_);
            return std::move(tun::Sockets::open(Port{}, Mark{}).value());
        }();
        const test::Inside inside(inside_);
        tun::TunDevice device = tun::TunDevice::open("vpn0").value();
        test::shell("ip link set vpn0 addrgenmode none mtu 1420 up; ip address add 10.255.255.1/8 dev vpn0");
        return std::make_unique<tun::Engine>(loop_, tun::Wiring{std::move(device), std::move(sockets), 1420, threads},
                                             crypto::generate_private_key(random_), random_, observer_);
    }

    void connect(std::size_t from, std::size_t to) {
        std::vector<ByteVector> initiations;
        std::vector<system::OutgoingDatagram> outgoing;
        const Now now = system::now();
        for (std::size_t i = from; i < to; ++i) initiations.push_back(clients_[i].initiation(now));
        for (std::size_t i = 0; i < initiations.size(); ++i) outgoing.push_back({initiations[i], way_of(from + i)});
        playing_.send(outgoing);
        system::IncomingBatch batch(32, 2048);
        ByteVector proof(clients_[from].overhead());
        for (std::size_t connected = from; connected < to;) {
            loop_.run_for(1ms);
            if (!playing_.receive(batch)) throw std::runtime_error("cannot receive");
            for (const system::IncomingDatagram& answer : batch.datagrams()) {
                Client& client = clients_.at(Client::receiver_of(answer.bytes));
                client.take(answer.bytes, system::now().boot);
                client.seal({}, proof);
                const system::OutgoingDatagram keepalive{proof, way_of(client.number())};
                playing_.send({&keepalive, 1});
                ++connected;
            }
        }
    }

    double sum(ByteCount tun::PeerStatus::*member, std::size_t size) const {
        std::uint64_t bytes = 0;
        for (const tun::PeerStatus& peer : engine_->peers()) bytes += (peer.*member).value;
        return static_cast<double>(bytes) / static_cast<double>(size + clients_.front().overhead());
    }

    crypto::SystemRandom random_;
    test::NetNamespace inside_;
    test::NetNamespace wire_;
    boost::asio::io_context loop_;
    Silent observer_;
    Usage usage_;
    std::unique_ptr<tun::Engine> engine_;
    system::UdpSocket playing_;
    Path there_;
    std::vector<Client> clients_;
};

} // namespace vpn::bench
