// Whole machines on a wire of their own: an engine with its threads, a real TUN device and sockets; and numbered flows between
// them.
#pragma once

#include "common/crypto/x25519.hpp"
#include "tests/support/keys.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/support/seeded_random.hpp"
#include "tun/engine.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

namespace vpn::test {

using namespace std::chrono_literals;

inline constexpr std::size_t threads_each_way = 4;
inline constexpr std::uint16_t far_port = 9000;

class Observer : public tun::EngineObserver {
  public:
    void on_event(const protocol::Event& event) override {
        if (event.kind == protocol::EventKind::handshake_complete) ++handshakes;
    }
    void on_unreachable(const system::UnreachableReport&) override {}
    void on_timestamps_changed() override {}
    void on_interface_gone() override { ++gone; }
    void on_network_changed(const std::vector<system::NetlinkEvent>&) override {}
    int handshakes = 0;
    int gone = 0;
};

/// What more there is to say of a peer than its address.
struct Terms {
    protocol::Suite suite = protocol::Suite::wireguard;
    std::vector<Prefix> behind{};
};

/// A machine with 10.9.0.NUMBER on its tunnel; the outer sockets are on `wire`'s loopback.
class Machine {
  public:
    Machine(boost::asio::io_context& loop, const NetNamespace& wire, unsigned number, bool offloads,
            tun::HandOver hand_over = tun::HandOver::always)
        : number_(number), random_(number), key_(crypto::generate_private_key(random_)),
          public_key_(crypto::public_key_of(key_)) {
        auto sockets = [&] {
            const Inside inside(wire);
            return std::move(tun::Sockets::open(Port{}, Mark{}, offloads).value());
        }();
        const Inside inside(net_);
        auto device = tun::TunDevice::open("vpn0", offloads);
        REQUIRE(device);
        REQUIRE(shell("ip link set vpn0 addrgenmode none mtu 1420 up; ip address add " + address() + "/24 dev vpn0") == "");
        engine_ = std::make_unique<tun::Engine>(
            loop, tun::Wiring{std::move(*device), std::move(sockets), 1420, threads_each_way, hand_over}, key_.clone(), random_,
            observer);
    }

    [[nodiscard]] unsigned number() const { return number_; }
    [[nodiscard]] std::string address() const { return "10.9.0." + std::to_string(number_); }
    [[nodiscard]] const NetNamespace& net() const { return net_; }
    [[nodiscard]] tun::Engine& engine() { return *engine_; }
    void end_engine() { engine_.reset(); }
    protocol::PeerId meet(const Machine& other, bool knows_where, const Terms& terms = {}) {
        protocol::PeerConfig config;
        config.suite = terms.suite;
        config.allowed_ips = terms.behind;
        config.public_key = other.public_key_;
        config.allowed_ips.push_back(*Prefix::parse(other.address() + "/32"));
        if (knows_where) config.endpoint = Endpoint{*IpAddress::parse("127.0.0.1"), other.engine_->port(), 0};
        return engine_->set_peer(std::move(config)).value();
    }
    [[nodiscard]] system::UniqueFd socket(std::uint16_t port) const {
        const Inside inside(net_);
        system::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        REQUIRE(fd);
        const int large = 8 << 20;
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
        const sockaddr_in any = at(0, port);
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
        return fd;
    }
    [[nodiscard]] static sockaddr_in at(unsigned host, std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = host == 0 ? htonl(INADDR_ANY) : htonl(0x0a090000U + host);
        return address;
    }

    Observer observer;

  private:
    NetNamespace net_;
    unsigned number_;
    support::SeededRandom random_;
    crypto::PrivateKey key_;
    crypto::PublicKey public_key_;
    std::unique_ptr<tun::Engine> engine_;
};

/// Numbered datagrams, as fast as they go, of two sizes in turn every so often: so that runs and lone packets mix.
inline void send_numbers(int fd, const sockaddr_in& to, std::uint64_t count) {
    std::array<std::byte, 1300> datagram{};
    for (std::uint64_t i = 0; i < count; ++i) {
        store_le(datagram.data(), i);
        const std::size_t size = i % 64 < 40 ? datagram.size() : 100;
        ::sendto(fd, datagram.data(), size, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
}

/// What came of one flow.
struct Arrived {
    std::uint64_t count = 0;
    std::uint64_t out_of_order = 0;
};

/// Receives until the sender has ended and nothing more is on its way.
inline Arrived receive_numbers(int fd, const std::atomic<bool>& sent_all) {
    Arrived arrived;
    std::uint64_t expected = 0;
    std::array<std::byte, 2048> datagram{};
    for (;;) {
        pollfd watched{fd, POLLIN, 0};
        const bool last = sent_all.load();
        if (::poll(&watched, 1, 300) == 0) {
            if (last) return arrived;
            continue;
        }
        while (::recv(fd, datagram.data(), datagram.size(), MSG_DONTWAIT) > 0) {
            const auto number = load_le<std::uint64_t>(datagram.data());
            ++arrived.count;
            if (number < expected) ++arrived.out_of_order;
            expected = number + 1;
        }
    }
}

/// From one machine to a port of another.
struct Flow {
    const Machine& from;
    const Machine& to;
    std::uint16_t port = far_port;
    unsigned host = to.number(); ///< another address that `to` has
};

/// All flows at full speed at once; control turns meanwhile, and does what it is told to.
template <class Meanwhile>
std::vector<Arrived> exchange(boost::asio::io_context& loop, const std::vector<Flow>& flows, std::uint64_t count,
                              Meanwhile meanwhile) {
    std::vector<Arrived> arrived(flows.size());
    std::deque<std::atomic<bool>> sent(flows.size());
    std::atomic<std::size_t> receiving{flows.size()};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < flows.size(); ++i) {
        const Flow& flow = flows[i];
        threads.emplace_back([&, i, fd = flow.to.socket(flow.port)] {
            arrived[i] = receive_numbers(fd.get(), sent[i]);
            --receiving;
        });
        threads.emplace_back([&, i, to = Machine::at(flow.host, flow.port), fd = flow.from.socket(0)] {
            send_numbers(fd.get(), to, count);
            sent[i] = true;
        });
    }
    while (receiving.load() > 0) {
        loop.run_for(2ms);
        meanwhile();
    }
    for (std::thread& thread : threads) thread.join();
    return arrived;
}

/// Two machines that know each other, and one flow each way.
struct Pair {
    explicit Pair(bool offloads = true) : a(loop, wire, 1, offloads), b(loop, wire, 2, offloads) {
        to_b = a.meet(b, true);
        to_a = b.meet(a, false);
    }

    template <class Meanwhile> std::vector<Arrived> exchange(std::uint64_t count, Meanwhile meanwhile) {
        connect();
        return test::exchange(loop, {{a, b}, {b, a}}, count, meanwhile);
    }

    void connect() {
        a.engine().want_handshake(to_b);
        while (!a.engine().peer(to_b)->can_send || !b.engine().peer(to_a)->can_send) loop.run_one_for(100ms);
    }

    boost::asio::io_context loop;
    NetNamespace wire;
    Machine a;
    Machine b;
    protocol::PeerId to_b;
    protocol::PeerId to_a;
};

} // namespace vpn::test
