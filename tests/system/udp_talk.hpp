// Sockets that talk to each other in namespaces: what the tests of UdpSocket share.
#pragma once

#include "common/system/udp_socket.hpp"
#include "tests/support/net_namespace.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vpn::test {

inline Endpoint endpoint(const std::string& text) { return Endpoint::parse(text).value(); }
inline IpAddress address(const std::string& text) { return IpAddress::parse(text).value(); }

inline system::UdpSocket open_socket(Family family, std::uint16_t port = 0) {
    auto socket = system::UdpSocket::open(family, Port{port}, Mark{0});
    REQUIRE(socket.has_value());
    return std::move(*socket);
}

inline Endpoint at(const std::string& host, const system::UdpSocket& socket) { return {address(host), socket.port(), 0}; }

inline system::SendReport send_one(system::UdpSocket& socket, const system::OutgoingDatagram& datagram) {
    return socket.send(std::span(&datagram, 1));
}

inline bool readable(const system::UdpSocket& socket, short events = POLLIN, int patience_ms = 5000) {
    pollfd watched{socket.fd(), events, 0};
    return ::poll(&watched, 1, patience_ms) == 1;
}

/// Two namespaces and a cable: near0 has 10.0.0.1, fd01::1 and fe80::1, far0 the same with 2. The test is in the near one.
class Joined {
  public:
    explicit Joined(const std::string& mtu = "1500") : inside_(near_) {
        CHECK(shell("ip link add near0 mtu " + mtu + " type veth peer name far0 mtu " + mtu + " netns " + far_.path()) == "");
        configure("near0", "1");
        {
            const Inside there(far_);
            configure("far0", "2");
            settle("far0", "2");
        }
        settle("near0", "1");
    }
    [[nodiscard]] const NetNamespace& far() const { return far_; }
    [[nodiscard]] system::UdpSocket far_socket(Family family) const {
        const Inside there(far_);
        return open_socket(family);
    }

  private:
    static void configure(const std::string& interface, const std::string& host) {
        CHECK(shell("ip link set " + interface + " addrgenmode none up") == "");
        CHECK(shell("ip address add 10.0.0." + host + "/24 dev " + interface) == "");
        CHECK(shell("ip address add fd01::" + host + "/64 dev " + interface + " nodad") == "");
        CHECK(shell("ip address add fe80::" + host + "/64 dev " + interface + " nodad") == "");
    }
    static void settle(const std::string& interface, const std::string& host) {
        wait_until_running(interface);
        wait_until_local("fd01::" + host);
        wait_until_local("fe80::" + host);
    }

    NetNamespace near_;
    NetNamespace far_;
    Inside inside_;
};

/// Datagrams one behind the other, as they lie in a send buffer: `count` of `size` bytes, the last of `last` (zero: as the
/// others). No two bytes in a row, and no two datagrams, are the same; the first bytes of each (at most four) count from `from`.
class Run {
  public:
    Run(std::size_t count, std::size_t size, std::size_t last = 0, std::uint32_t from = 0)
        : size_(size), bytes_((count - 1) * size + (last == 0 ? size : last)) {
        for (std::size_t start = 0; start < bytes_.size(); start += size, ++from) {
            const MutableBytes datagram = MutableBytes(bytes_).subspan(start, std::min(size, bytes_.size() - start));
            for (std::size_t i = 0; i < datagram.size(); ++i) datagram[i] = static_cast<std::byte>(from * 31 + i * 7);
            ByteArray<4> number{};
            store_be(number.data(), from);
            copy(Bytes(number).first(std::min(number.size(), datagram.size())), datagram);
        }
    }
    [[nodiscard]] system::OutgoingDatagram to(const Endpoint& remote, Ecn ecn = Ecn::not_capable) const {
        return {bytes_, {remote, {}}, bytes_.size() > size_ ? size_ : 0, ecn};
    }
    [[nodiscard]] std::vector<ByteVector> datagrams() const {
        std::vector<ByteVector> all;
        for (Bytes rest(bytes_); !rest.empty(); rest = rest.subspan(all.back().size())) {
            const Bytes datagram = rest.first(std::min(size_, rest.size()));
            all.emplace_back(datagram.begin(), datagram.end());
        }
        return all;
    }

  private:
    std::size_t size_;
    ByteVector bytes_;
};

/// What came, datagram by datagram.
struct Arrived {
    std::vector<ByteVector> datagrams{};
    std::vector<Ecn> marks{};
    std::size_t together = 0; ///< how many of them were received with another as one
    std::size_t largest = 0;  ///< the most that were received as one
};

/// Receives `count` datagrams and what is there beside them; fewer, if for `patience_ms` nothing comes.
inline Arrived receive_all(system::UdpSocket& socket, std::size_t count, int patience_ms = 5000) {
    Arrived arrived;
    system::IncomingBatch batch(8, 65536);
    while (arrived.datagrams.size() < count ? readable(socket, POLLIN, patience_ms) : readable(socket, POLLIN, 0)) {
        REQUIRE(socket.receive(batch).has_value());
        REQUIRE(batch.truncated() == 0);
        for (const system::IncomingDatagram& piece : batch.datagrams()) {
            std::size_t held = 0;
            for (Bytes rest = piece.bytes; !rest.empty(); ++held) {
                const Bytes datagram = rest.first(std::min(piece.segment_size, rest.size()));
                arrived.datagrams.emplace_back(datagram.begin(), datagram.end());
                arrived.marks.push_back(piece.ecn);
                rest = rest.subspan(datagram.size());
            }
            if (held > 1) arrived.together += held;
            arrived.largest = std::max(arrived.largest, held);
        }
    }
    return arrived;
}

} // namespace vpn::test
