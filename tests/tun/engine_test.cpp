// Two engines on real TUN devices and sockets, their data threads and all. Run under ThreadSanitizer too.
#include "common/crypto/x25519.hpp"
#include "tests/support/keys.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/support/seeded_random.hpp"
#include "tun/engine.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

using namespace vpn;
using namespace std::chrono_literals;
using test::Inside;
using test::NetNamespace;

namespace {

constexpr std::size_t threads_each_way = 4;
constexpr std::uint16_t far_port = 9000;

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

/// A machine with 10.9.0.NUMBER on its tunnel; the outer sockets are on `wire`'s loopback.
class Machine {
  public:
    Machine(boost::asio::io_context& loop, const NetNamespace& wire, unsigned number, bool offloads)
        : number_(number), random_(number), key_(crypto::generate_private_key(random_)),
          public_key_(crypto::public_key_of(key_)) {
        auto sockets = [&] {
            const Inside inside(wire);
            return std::move(tun::Sockets::open(Port{}, Mark{}, offloads).value());
        }();
        const Inside inside(net_);
        auto device = tun::TunDevice::open("vpn0", offloads);
        REQUIRE(device);
        REQUIRE(test::shell("ip link set vpn0 addrgenmode none mtu 1420 up; ip address add " + address() + "/24 dev vpn0") == "");
        engine_ = std::make_unique<tun::Engine>(
            loop, tun::Wiring{std::move(*device), std::move(sockets), 1420, threads_each_way, tun::HandOver::always},
            key_.clone(), random_, observer);
    }

    [[nodiscard]] std::string address() const { return "10.9.0." + std::to_string(number_); }
    [[nodiscard]] const NetNamespace& net() const { return net_; }
    [[nodiscard]] tun::Engine& engine() { return *engine_; }
    void end_engine() { engine_.reset(); }
    protocol::PeerId meet(const Machine& other, bool knows_where) {
        protocol::PeerConfig config;
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
void send_numbers(int fd, unsigned host, std::uint64_t count) {
    const sockaddr_in to = Machine::at(host, far_port);
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
Arrived receive_numbers(int fd, const std::atomic<bool>& sent_all) {
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

/// Two machines that know each other, and one flow each way at full speed; control turns meanwhile, and does what it is told to.
struct Pair {
    explicit Pair(bool offloads = true) : a(loop, wire, 1, offloads), b(loop, wire, 2, offloads) {
        to_b = a.meet(b, true);
        to_a = b.meet(a, false);
    }

    template <class Meanwhile> std::array<Arrived, 2> exchange(std::uint64_t count, Meanwhile meanwhile) {
        std::array<Arrived, 2> arrived;
        std::array<std::atomic<bool>, 2> sent{};
        std::atomic<int> receiving{2};
        std::vector<std::thread> threads;
        const auto flow = [&](std::size_t which, const Machine& from, const Machine& to, unsigned host) {
            threads.emplace_back([&sent, which, host, count, fd = from.socket(0)] {
                send_numbers(fd.get(), host, count);
                sent.at(which) = true;
            });
            threads.emplace_back([&sent, &arrived, &receiving, which, fd = to.socket(far_port)] {
                arrived.at(which) = receive_numbers(fd.get(), sent.at(which));
                --receiving;
            });
        };
        connect();
        flow(0, a, b, 2);
        flow(1, b, a, 1);
        while (receiving.load() > 0) {
            loop.run_for(2ms);
            meanwhile();
        }
        for (std::thread& thread : threads) thread.join();
        return arrived;
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

constexpr std::uint64_t packets = 60'000;

} // namespace

TEST_CASE("packets of a flow arrive in their order at full speed, on many threads, with offloads and without") {
    for (const bool offloads : {true, false}) {
        CAPTURE(offloads);
        Pair pair(offloads);
        for (const Arrived& flow : pair.exchange(packets, [] {})) {
            CHECK(flow.count > packets / 100); // UDP: what is faster than the tunnel is lost, by its queue
            CHECK(flow.out_of_order == 0);
        }
    }
}

TEST_CASE("a flow goes on while peers come and go, sessions are renewed, and statistics are read") {
    Pair pair;
    support::SeededRandom random(3);
    std::vector<protocol::PeerId> others;
    std::uint64_t turns = 0;
    const auto flows = pair.exchange(packets, [&] {
        protocol::PeerConfig other;
        other.public_key = crypto::public_key_of(crypto::generate_private_key(random));
        other.allowed_ips.push_back(*Prefix::parse("10.10." + std::to_string(turns % 200) + ".0/24"));
        others.push_back(pair.a.engine().set_peer(std::move(other)).value());
        if (others.size() > 20) {
            pair.a.engine().remove_peer(others.front());
            others.erase(others.begin());
        }
        if (++turns % 20 == 0) pair.a.engine().want_handshake(pair.to_b);
        CHECK(pair.a.engine().peers().size() == others.size() + 1);
        (void)pair.b.engine().drops();
    });
    for (const Arrived& flow : flows) {
        CHECK(flow.count > packets / 100);
        CHECK(flow.out_of_order == 0);
    }
    CHECK(pair.a.engine().drops().of(protocol::Drop::bad_tag) == 0);
    CHECK(pair.b.engine().drops().of(protocol::Drop::bad_tag) == 0);
}

TEST_CASE("a peer that carries a flow is removed, and comes back") {
    Pair pair;
    std::uint64_t turns = 0;
    const auto flows = pair.exchange(packets, [&] {
        ++turns;
        if (turns % 10 == 5) pair.a.engine().remove_peer(pair.to_b);
        if (turns % 10 == 8) {
            pair.to_b = pair.a.meet(pair.b, true);
            pair.a.engine().want_handshake(pair.to_b);
        }
    });
    for (const Arrived& flow : flows) CHECK(flow.out_of_order == 0);
    CHECK(turns > 10);
}

TEST_CASE("an interface that somebody removes under load is told of, and the engine ends") {
    Pair pair;
    bool removed = false;
    pair.exchange(packets, [&] {
        if (removed) return;
        const Inside inside(pair.b.net());
        test::shell("ip link delete vpn0");
        removed = true;
    });
    while (pair.b.observer.gone == 0) pair.loop.run_one_for(100ms);
    CHECK(pair.b.observer.gone > 0);
    CHECK(pair.a.observer.gone == 0);
}

TEST_CASE("an engine ends while packets run through it") {
    Pair pair;
    std::uint64_t turns = 0;
    pair.exchange(packets, [&] {
        if (++turns == 5) pair.b.end_engine();
    });
    CHECK(turns >= 5);
}
