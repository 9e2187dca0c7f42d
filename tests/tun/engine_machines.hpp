// Whole machines on a wire of their own: an engine with its threads, a real TUN device and sockets; and numbered flows between
// them.
#pragma once

#include "common/crypto/x25519.hpp"
#include "tests/support/keys.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/suites.hpp"
#include "tun/engine.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

namespace vpn::test {

using namespace std::chrono_literals;

inline constexpr std::uint16_t far_port = 9000;

/// How machines are made.
struct Make {
    bool offloads = true;
    std::size_t threads_each_way = 4;
    tun::HandOver hand_over = tun::HandOver::always;
};

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
    protocol::Suite suite = support::suite_under_test();
    std::vector<Prefix> behind{};
};

/// Where a datagram goes, or is taken.
struct Place {
    sockaddr_storage address{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// A machine with 10.9.0.NUMBER and fd09::NUMBER on its tunnel; the outer sockets are on `wire`'s loopback.
class Machine {
  public:
    Machine(boost::asio::io_context& loop, const NetNamespace& wire, unsigned number, const Make& make = {})
        : number_(number), random_(number), key_(crypto::generate_private_key(random_)),
          public_key_(crypto::public_key_of(key_)) {
        auto sockets = [&] {
            const Inside inside(wire);
            return std::move(tun::Sockets::open(Port{}, Mark{}, make.offloads).value());
        }();
        const Inside inside(net_);
        auto device = tun::TunDevice::open("vpn0", make.offloads);
        REQUIRE(device);
        REQUIRE(shell("ip link set vpn0 addrgenmode none mtu 1420 up; ip address add " + address() +
                      "/24 dev vpn0;"
                      "ip address add " +
                      address_v6() + "/64 dev vpn0 nodad") == "");
        wait_until_local(address_v6());
        engine_ = std::make_unique<tun::Engine>(
            loop, tun::Wiring{std::move(*device), std::move(sockets), 1420, make.threads_each_way, make.hand_over}, key_.clone(),
            random_, observer);
    }

    [[nodiscard]] unsigned number() const { return number_; }
    [[nodiscard]] std::string address() const { return "10.9.0." + std::to_string(number_); }
    [[nodiscard]] std::string address_v6() const { return "fd09::" + std::to_string(number_); }
    [[nodiscard]] const NetNamespace& net() const { return net_; }
    [[nodiscard]] tun::Engine& engine() { return *engine_; }
    void end_engine() { engine_.reset(); }
    protocol::PeerId meet(const Machine& other, bool knows_where, const Terms& terms = {}) {
        protocol::PeerConfig config;
        config.suite = terms.suite;
        config.allowed_ips = terms.behind;
        config.public_key = other.public_key_;
        config.allowed_ips.push_back(*Prefix::parse(other.address() + "/32"));
        config.allowed_ips.push_back(*Prefix::parse(other.address_v6() + "/128"));
        if (knows_where) config.endpoint = Endpoint{*IpAddress::parse("127.0.0.1"), other.engine_->port(), 0};
        return engine_->set_peer(std::move(config)).value();
    }
    [[nodiscard]] system::UniqueFd socket(Family family, std::uint16_t port) const {
        const Inside inside(net_);
        system::UniqueFd fd(::socket(family == Family::v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        REQUIRE(fd);
        const int large = 8 << 20;
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
        const Place any = at(family, 0, port);
        REQUIRE(::bind(fd.get(), any.get(), any.size) == 0);
        return fd;
    }
    /// Host zero is any.
    [[nodiscard]] static Place at(Family family, unsigned host, std::uint16_t port) {
        Place place;
        if (family == Family::v4) {
            auto& address = reinterpret_cast<sockaddr_in&>(place.address);
            address.sin_family = AF_INET;
            address.sin_port = htons(port);
            address.sin_addr.s_addr = host == 0 ? htonl(INADDR_ANY) : htonl(0x0a090000U + host);
            place.size = sizeof address;
        } else {
            auto& address = reinterpret_cast<sockaddr_in6&>(place.address);
            address.sin6_family = AF_INET6;
            address.sin6_port = htons(port);
            if (host != 0)
                address.sin6_addr = {{{0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(host)}}};
            place.size = sizeof address;
        }
        return place;
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

/// How many datagrams a flow has: what is faster than the tunnel is lost, by its queue, and on a machine that has much else to do
/// that may be nearly all; so a flow goes on until so many have arrived.
struct Amount {
    std::uint64_t sent;
    std::uint64_t arriving = 0;
};

/// Where a flow is.
struct Progress {
    std::atomic<bool> sent_all{false};
    std::atomic<std::uint64_t> arrived{0};
};

/// Numbered datagrams, as fast as they go, of two sizes in turn every so often: so that runs and lone packets mix.
inline void send_numbers(int fd, const Place& to, const Amount& amount, Progress& progress) {
    std::array<std::byte, 1300> datagram{};
    for (std::uint64_t i = 0; i < amount.sent || progress.arrived.load() < amount.arriving; ++i) {
        store_le(datagram.data(), i);
        const std::size_t size = i % 64 < 40 ? datagram.size() : 100;
        ::sendto(fd, datagram.data(), size, 0, to.get(), to.size);
    }
    progress.sent_all = true;
}

/// What came of one flow.
struct Arrived {
    std::uint64_t count = 0;
    std::uint64_t out_of_order = 0;
};

/// Receives until the sender has ended and nothing more is on its way.
inline Arrived receive_numbers(int fd, Progress& progress) {
    Arrived arrived;
    std::uint64_t expected = 0;
    std::array<std::byte, 2048> datagram{};
    for (;;) {
        pollfd watched{fd, POLLIN, 0};
        const bool last = progress.sent_all.load();
        if (::poll(&watched, 1, 300) == 0) {
            if (last) return arrived;
            continue;
        }
        while (::recv(fd, datagram.data(), datagram.size(), MSG_DONTWAIT) > 0) {
            const auto number = load_le<std::uint64_t>(datagram.data());
            progress.arrived = ++arrived.count;
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
    Family family = Family::v4;
};

/// The calling thread, and all that it starts meanwhile, run on one CPU only.
class OnOneCpu {
  public:
    OnOneCpu() {
        REQUIRE(::sched_getaffinity(0, sizeof before_, &before_) == 0);
        cpu_set_t one;
        CPU_ZERO(&one);
        for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &before_) && CPU_COUNT(&one) == 0) CPU_SET(cpu, &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    }
    ~OnOneCpu() { ::sched_setaffinity(0, sizeof before_, &before_); }
    OnOneCpu(const OnOneCpu&) = delete;
    OnOneCpu& operator=(const OnOneCpu&) = delete;

  private:
    cpu_set_t before_{};
};

/// All flows at full speed at once; control turns meanwhile, and does what it is told to.
template <class Meanwhile>
std::vector<Arrived> exchange(boost::asio::io_context& loop, const std::vector<Flow>& flows, const Amount& amount,
                              Meanwhile meanwhile) {
    std::vector<Arrived> arrived(flows.size());
    std::deque<Progress> progress(flows.size());
    std::atomic<std::size_t> receiving{flows.size()};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < flows.size(); ++i) {
        const Flow& flow = flows[i];
        threads.emplace_back([&, i, fd = flow.to.socket(flow.family, flow.port)] {
            arrived[i] = receive_numbers(fd.get(), progress[i]);
            --receiving;
        });
        threads.emplace_back([&, i, to = Machine::at(flow.family, flow.host, flow.port), fd = flow.from.socket(flow.family, 0)] {
            send_numbers(fd.get(), to, amount, progress[i]);
        });
    }
    while (receiving.load() > 0) {
        loop.run_for(2ms);
        meanwhile();
    }
    for (std::thread& thread : threads) thread.join();
    return arrived;
}

/// Two machines that know each other, in the suite that the run is about; a flow each way, and one over IPv6.
struct Pair {
    explicit Pair(const Make& make = {}) : a(loop, wire, 1, make), b(loop, wire, 2, make) {
        to_b = a.meet(b, true);
        to_a = b.meet(a, false);
    }

    template <class Meanwhile> std::vector<Arrived> exchange(const Amount& amount, Meanwhile meanwhile) {
        connect();
        return carry(amount, meanwhile);
    }

    /// In the session that there is.
    template <class Meanwhile> std::vector<Arrived> carry(const Amount& amount, Meanwhile meanwhile) {
        const Flow over_v6{a, b, far_port + 1, b.number(), Family::v6};
        return test::exchange(loop, {{a, b}, {b, a}, over_v6}, amount, meanwhile);
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
