// Machines of their own with a TUN device each, and two of them whose devices are joined by the test.
#pragma once

#include "common/base/ip.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/support/seeded_random.hpp"
#include "tun/tun_device.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

namespace vpn::test {

/// A machine whose vpn0 has 10.66.0.NUMBER and fd66::NUMBER.
class Machine {
  public:
    explicit Machine(int number, bool offloads = true) : number_(number), device_(open(net_, offloads)) {
        const Inside inside(net_);
        const std::string host = std::to_string(number);
        CHECK(shell("ip link set vpn0 addrgenmode none mtu 1420 up; ip address add 10.66.0." + host +
                    "/24 dev vpn0; "
                    "ip address add fd66::" +
                    host +
                    "/64 dev vpn0 nodad; "
                    "echo 0 > /proc/sys/net/ipv6/conf/vpn0/router_solicitations") == "");
        wait_until_local("fd66::" + host);
        ByteVector buffer(tun::TunDevice::read_buffer_size);
        while (!device_.read(buffer).packet.empty()) { // the kernel's own chatter
        }
    }
    [[nodiscard]] const NetNamespace& net() const { return net_; }
    [[nodiscard]] tun::TunDevice& device() { return device_; }

    /// Bound to its address and one port, the same on each, non-blocking.
    [[nodiscard]] system::UniqueFd socket(Family family, int type) const {
        const Inside inside(net_);
        system::UniqueFd fd(::socket(family == Family::v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(fd);
        const sockaddr_storage own = address(family, number_);
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
        return fd;
    }
    static sockaddr_storage address(Family family, int number) {
        sockaddr_storage storage{};
        if (family == Family::v4) {
            auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
            v4.sin_family = AF_INET;
            v4.sin_port = htons(port);
            v4.sin_addr.s_addr = htonl(0x0a420000U + static_cast<unsigned>(number));
        } else {
            auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
            v6.sin6_family = AF_INET6;
            v6.sin6_port = htons(port);
            v6.sin6_addr.s6_addr[0] = 0xfd;
            v6.sin6_addr.s6_addr[1] = 0x66;
            v6.sin6_addr.s6_addr[15] = static_cast<std::uint8_t>(number);
        }
        return storage;
    }

  private:
    static constexpr std::uint16_t port = 5000;
    static tun::TunDevice open(const NetNamespace& net, bool offloads) {
        const Inside inside(net);
        return tun::TunDevice::open("vpn0", offloads).value();
    }

    int number_;
    NetNamespace net_;
    tun::TunDevice device_;
};

/// What was read of a device, super-packets split.
struct Reading {
    std::vector<ByteVector> packets{};
    std::vector<std::uint8_t> segmentations{}; ///< of each read
};

inline Reading read_all(tun::TunDevice& device) {
    Reading reading;
    ByteVector buffer(tun::TunDevice::read_buffer_size);
    for (;;) {
        const tun::TunRead read = device.read(buffer);
        if (read.packet.empty()) return reading;
        reading.segmentations.push_back(read.header.segmentation & static_cast<std::uint8_t>(~offload::VnetHeader::ecn));
        auto split = offload::Splitter::over(read.header, read.packet);
        REQUIRE(split);
        for (MutableBytes packet = split->next(); !packet.empty(); packet = split->next())
            reading.packets.emplace_back(packet.begin(), packet.end());
    }
}

/// Moves all that waits in `from` into `to`, as the data path does.
inline void pump(tun::TunDevice& from, tun::TunDevice& to, std::vector<std::uint8_t>& segmentations) {
    Reading reading = read_all(from);
    segmentations.insert(segmentations.end(), reading.segmentations.begin(), reading.segmentations.end());
    offload::Coalescer coalescer(to.features());
    for (ByteVector& packet : reading.packets) coalescer.add(packet);
    coalescer.finish();
    const tun::TunWriteReport report = to.write(coalescer);
    CHECK(report.written == reading.packets.size());
    CHECK(report.refused == 0);
}

/// Two machines whose devices are joined by the test.
class Bridge {
  public:
    explicit Bridge(bool offloads_of_a = true, bool offloads_of_b = true) : a(1, offloads_of_a), b(2, offloads_of_b) {}

    /// Sends 4 MB from a to b over TCP, and leaves without a farewell that would be repeated. True if they arrived as they were.
    bool transfer(Family family) {
        const ByteVector data = support::SeededRandom(1).bytes(4 << 20);
        const system::UniqueFd listening = b.socket(family, SOCK_STREAM);
        REQUIRE(::listen(listening.get(), 1) == 0);
        const system::UniqueFd sending = a.socket(family, SOCK_STREAM);
        const sockaddr_storage there = Machine::address(family, 2);
        REQUIRE(::connect(sending.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) < 0);
        REQUIRE(errno == EINPROGRESS);
        leave_at_once(sending.get());
        system::UniqueFd receiving;
        std::size_t sent = 0;
        ByteVector received;
        while (received.size() < data.size()) {
            if (!wait(sent < data.size() ? sending.get() : -1, receiving ? receiving.get() : listening.get())) return false;
            pump(a.device(), b.device(), read_of_a);
            pump(b.device(), a.device(), read_of_b);
            if (!receiving) {
                receiving.reset(::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
                if (receiving) leave_at_once(receiving.get());
            }
            const ssize_t taken = ::send(sending.get(), data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
            if (taken > 0) sent += static_cast<std::size_t>(taken);
            if (receiving) receive(receiving.get(), received);
        }
        return received == data;
    }

    Machine a;
    Machine b;
    std::vector<std::uint8_t> read_of_a{};
    std::vector<std::uint8_t> read_of_b{};

  private:
    static void leave_at_once(int fd) {
        constexpr linger none{1, 0};
        REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
    }
    /// False: nothing happened for a long time.
    bool wait(int sending, int receiving) {
        std::array<pollfd, 4> fds{pollfd{a.device().fd(), POLLIN, 0}, pollfd{b.device().fd(), POLLIN, 0},
                                  pollfd{sending, POLLOUT, 0}, pollfd{receiving, POLLIN, 0}};
        return ::poll(fds.data(), fds.size(), 10000) > 0;
    }
    static void receive(int fd, ByteVector& received) {
        std::array<std::byte, 65536> piece;
        for (ssize_t got = 0; (got = ::recv(fd, piece.data(), piece.size(), 0)) > 0;)
            received.insert(received.end(), piece.begin(), piece.begin() + got);
    }
};

} // namespace vpn::test
