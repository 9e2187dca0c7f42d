// THREATS "interface down, up, removed" and "no /dev/net/tun, no CAP_NET_ADMIN": packets through a real TUN interface.
#include "tests/support/net_namespace.hpp"
#include "tun/tun_device.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <vector>

using namespace vpn;
using namespace vpn::tun;
using test::Inside;
using test::NetNamespace;
using test::shell;
using Kind = TunError::Kind;

namespace {

/// What is waiting in the device, every super-packet split.
struct Waiting {
    std::vector<ByteVector> packets;
    std::size_t reads = 0;
    bool gone = false;
};

Waiting read_all(TunDevice& device, std::size_t most = SIZE_MAX) {
    Waiting waiting;
    ByteVector buffer(TunDevice::read_buffer_size);
    while (waiting.reads < most) {
        const TunRead read = device.read(buffer);
        waiting.gone = read.gone;
        if (read.packet.empty()) break;
        ++waiting.reads;
        auto split = offload::Splitter::over(read.header, read.packet);
        REQUIRE(split);
        for (MutableBytes packet = split->next(); !packet.empty(); packet = split->next())
            waiting.packets.emplace_back(packet.begin(), packet.end());
    }
    return waiting;
}

/// Up, with 10.66.0.1/24 and fd66::1/64, and nothing of the kernel's own chatter waiting.
class Tunnel {
  public:
    explicit Tunnel(const std::string& mtu = "1420", bool offloads = true)
        : inside_(net_), device_(TunDevice::open("vpn0", offloads).value()) {
        CHECK(shell("ip link set vpn0 addrgenmode none mtu " + mtu +
                    " up; ip address add 10.66.0.1/24 dev vpn0; "
                    "ip address add fd66::1/64 dev vpn0 nodad; echo 0 > /proc/sys/net/ipv6/conf/vpn0/router_solicitations") ==
              "");
        test::wait_until_local("fd66::1");
        read_all(device_);
    }
    TunDevice& device() { return device_; }

  private:
    NetNamespace net_;
    Inside inside_;
    TunDevice device_;
};

int udp_socket(int family) {
    const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    return fd;
}

/// 10.66.0.HOST.
sockaddr_in to_v4(unsigned host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(0x0a420000U + host);
    return address;
}

void send_v4(const std::string& text) {
    const system::UniqueFd fd(udp_socket(AF_INET));
    const sockaddr_in address = to_v4(2, 9);
    REQUIRE(::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) >= 0);
}

std::uint16_t ones_complement_sum(const ByteVector& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += load_be<std::uint16_t>(bytes.data() + i);
    while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

/// An IPv4 UDP datagram (RFC 791, RFC 768, without UDP checksum) from 10.66.0.2 to 10.66.0.1.
ByteVector packet_for_us(std::uint16_t port, std::string_view text) {
    ByteVector packet(28 + text.size());
    packet[0] = std::byte{0x45};
    store_be(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
    packet[8] = std::byte{64};
    packet[9] = std::byte{17};
    store_be(packet.data() + 12, 0x0a420002U);
    store_be(packet.data() + 16, 0x0a420001U);
    store_be(packet.data() + 10, ones_complement_sum(ByteVector(packet.begin(), packet.begin() + 20)));
    store_be(packet.data() + 20, std::uint16_t{9});
    store_be(packet.data() + 22, port);
    store_be(packet.data() + 24, static_cast<std::uint16_t>(8 + text.size()));
    copy(bytes_of(text), MutableBytes(packet).subspan(28));
    return packet;
}

/// A socket on 10.66.0.1.
class Listener {
  public:
    Listener() : fd_(udp_socket(AF_INET)) {
        const sockaddr_in address = to_v4(1, 5000);
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    std::string next() {
        pollfd watched{fd_.get(), POLLIN, 0};
        REQUIRE(::poll(&watched, 1, 5000) == 1);
        std::string text(65536, '\0');
        text.resize(static_cast<std::size_t>(::recv(fd_.get(), text.data(), text.size(), 0)));
        return text;
    }

  private:
    system::UniqueFd fd_;
};

bool give_up_capabilities() {
    __user_cap_header_struct header{};
    header.version = _LINUX_CAPABILITY_VERSION_3;
    const std::array<__user_cap_data_struct, 2> none{};
    return ::syscall(SYS_capset, &header, none.data()) == 0;
}

Kind refusal_of(const std::string& name) {
    const auto device = TunDevice::open(name);
    REQUIRE_FALSE(device.has_value());
    CHECK_FALSE(device.error().message.empty());
    return device.error().kind;
}

} // namespace

TEST_CASE("the interface is there as long as its object, in the namespace of who made it") {
    const NetNamespace net;
    const Inside inside(net);
    {
        auto device = TunDevice::open("vpn0");
        REQUIRE(device.has_value());
        CHECK(device->name() == "vpn0");
        CHECK(shell("ip -o link show vpn0").find(std::to_string(device->index()) + ": vpn0") == 0);
        CHECK(shell("ip -d link show vpn0").find("tun type tun pi off vnet_hdr on persist off") != std::string::npos);
        const TunDevice moved = std::move(*device);
        CHECK(shell("ip -o link show vpn0").find("vpn0") != std::string::npos);
    }
    CHECK(shell("ip -o link show vpn0").find("does not exist") != std::string::npos);
    CHECK(TunDevice::open("fifteen-letters").has_value());
    CHECK(TunDevice::open("a").has_value());
}

TEST_CASE("a name that is taken, by whatever, or is no name, is refused as such") {
    const NetNamespace net;
    const Inside inside(net);
    const auto first = TunDevice::open("vpn0");
    CHECK(refusal_of("vpn0") == Kind::name_taken);
    CHECK(refusal_of("lo") == Kind::name_taken);
    CHECK(shell("ip tuntap add mode tun name persistent0") == "");
    CHECK(refusal_of("persistent0") == Kind::name_taken);
    for (const char* name : {"", "sixteen-letters-", ".", "..", "a/b", "vpn%d", "with space", "tab\t", "a:b", "z\xc3\xbc"}) {
        CAPTURE(std::string(name));
        CHECK(refusal_of(name) == Kind::invalid_name);
    }
}

TEST_CASE("a machine without the device, and a user without the privilege, are told apart") {
    const NetNamespace net;
    test::with_own_mounts([&net] {
        const Inside inside(net);
        REQUIRE(::mount("none", "/dev", "tmpfs", 0, "size=64k") == 0);
        CHECK(refusal_of("vpn0") == Kind::no_tun);
    });
    test::with_own_mounts([&net] {
        const Inside inside(net);
        REQUIRE(::mount("/dev/full", "/dev/net/tun", nullptr, MS_BIND, nullptr) == 0); // some device, but not this one
        CHECK(refusal_of("vpn0") == Kind::other);
    });
    std::cout.flush(); // or the child might print it again
    const pid_t child = ::fork();
    if (child == 0) {
        const Inside inside(net);
        if (!give_up_capabilities()) ::_exit(2);
        const auto device = TunDevice::open("vpn0");
        ::_exit(!device && device.error().kind == Kind::not_allowed ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("packets of programs are read whole, in order, with their checksums, with offloads and without") {
    for (const bool offloads : {true, false}) {
        Tunnel tunnel("1420", offloads);
        for (const std::size_t size : {0UL, 1UL, 100UL, 1392UL}) send_v4(std::string(size, 'p'));
        const Waiting waiting = read_all(tunnel.device());
        CHECK_FALSE(waiting.gone);
        REQUIRE(waiting.packets.size() == 4);
        const std::size_t expected[] = {28, 29, 128, 1420};
        for (std::size_t i = 0; i < 4; ++i) {
            const Bytes packet = waiting.packets[i];
            REQUIRE(packet.size() == expected[i]);
            CHECK(packet[0] == std::byte{0x45});
            CHECK(load_be<std::uint32_t>(packet.data() + 16) == 0x0a420002U);
            const auto layout = offload::layout_of(packet);
            REQUIRE(layout);
            CHECK(offload::checksums_are_right(*layout, packet));
        }
        CHECK(read_all(tunnel.device()).packets.empty());
    }
}

TEST_CASE("there is room for padding behind what is read") {
    Tunnel tunnel("65535");
    send_v4(std::string(65507, 'l'));
    ByteVector buffer(TunDevice::read_buffer_size);
    const TunRead read = tunnel.device().read(buffer);
    REQUIRE(read.packet.size() == 65535);
    CHECK(buffer.data() + buffer.size() - (read.packet.data() + read.packet.size()) >= 16);
}

TEST_CASE("IPv6 packets are read as well") {
    Tunnel tunnel;
    const system::UniqueFd fd(udp_socket(AF_INET6));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(9);
    address.sin6_addr.s6_addr[0] = 0xfd;
    address.sin6_addr.s6_addr[1] = 0x66;
    address.sin6_addr.s6_addr[15] = 2;
    REQUIRE(::sendto(fd.get(), "six", 3, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 3);
    const Waiting waiting = read_all(tunnel.device());
    CHECK(std::ranges::count_if(waiting.packets, [](const ByteVector& packet) {
              return packet.size() == 51 && packet[0] >> 4 == std::byte{6} && packet[6] == std::byte{17};
          }) == 1);
}

TEST_CASE("one read takes one packet and leaves the rest") {
    Tunnel tunnel;
    for (const char* text : {"a", "b", "c", "d", "e"}) send_v4(text);
    CHECK(read_all(tunnel.device(), 2).packets.size() == 2);
    const Waiting rest = read_all(tunnel.device());
    REQUIRE(rest.packets.size() == 3);
    CHECK(rest.packets[0].back() == std::byte{'c'});
    CHECK(rest.packets[2].back() == std::byte{'e'});
}

TEST_CASE("what is written reaches programs, in order; what is no packet is counted and skipped") {
    Tunnel tunnel;
    Listener listener;
    const ByteVector first = packet_for_us(5000, "first");
    const ByteVector second = packet_for_us(5000, std::string(1392, 's'));
    const ByteVector last = packet_for_us(5000, "last");
    const ByteVector nonsense(20, std::byte{0xff});
    const std::vector<Bytes> packets{first, Bytes(), nonsense, second, last};
    const TunWriteReport report = tunnel.device().write(packets);
    CHECK(report.written == 3);
    CHECK(report.refused == 2);
    CHECK(report.down == 0);
    CHECK_FALSE(report.gone);
    CHECK(listener.next() == "first");
    CHECK(listener.next() == std::string(1392, 's'));
    CHECK(listener.next() == "last");
}

TEST_CASE("an interface that is down takes nothing, and goes on when it is up again") {
    Tunnel tunnel;
    const ByteVector packet = packet_for_us(5000, "x");
    const std::vector<Bytes> packets{packet, packet};
    CHECK(shell("ip link set vpn0 down") == "");
    const TunWriteReport down = tunnel.device().write(packets);
    CHECK(down.down == 2);
    CHECK(down.written == 0);
    CHECK_FALSE(down.gone);
    CHECK_FALSE(read_all(tunnel.device()).gone);

    CHECK(shell("ip link set vpn0 up") == "");
    Listener listener;
    CHECK(tunnel.device().write(packets).written == 2);
    CHECK(listener.next() == "x");
    read_all(tunnel.device());
    send_v4("y");
    CHECK(read_all(tunnel.device()).packets.size() >= 1);
}

TEST_CASE("an interface that somebody removes is noticed by who waits, reads and writes") {
    Tunnel tunnel;
    pollfd watched{tunnel.device().fd(), POLLIN, 0};
    CHECK(::poll(&watched, 1, 0) == 0);
    CHECK(shell("ip link del vpn0") == "");
    CHECK(::poll(&watched, 1, 0) == 1);
    CHECK((watched.revents & POLLERR) != 0);
    CHECK(read_all(tunnel.device()).gone);
    const ByteVector packet = packet_for_us(5000, "x");
    const std::vector<Bytes> packets{packet, packet};
    const TunWriteReport report = tunnel.device().write(packets);
    CHECK(report.gone);
    CHECK(report.written == 0);
}

TEST_CASE("a program that asks through the tunnel is answered by what we write back") {
    Tunnel tunnel;
    Listener listener;
    const sockaddr_in peer = to_v4(2, 9);
    const system::UniqueFd sender(udp_socket(AF_INET));
    REQUIRE(::sendto(sender.get(), "ping", 4, 0, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 4);
    const Waiting waiting = read_all(tunnel.device());
    REQUIRE(waiting.packets.size() == 1);
    CHECK(load_be<std::uint32_t>(waiting.packets[0].data() + 12) == 0x0a420001U);
    const ByteVector answer = packet_for_us(5000, "pong");
    const std::vector<Bytes> packets{answer};
    CHECK(tunnel.device().write(packets).written == 1);
    CHECK(listener.next() == "pong");
}
