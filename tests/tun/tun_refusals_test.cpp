// DATAPATH 1 on real devices: super-packets of real programs, and what is left when a kernel has only some of the offloads, or
// refuses one that it promised. Its ioctl and writev stand before the kernel's, so it is an executable of its own.
#include "tests/tun/joined_devices.hpp"
#include "tests/tun/offload/super_packet.hpp"
#include "tests/tun/offload/train_drawer.hpp"

#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <functional>
#include <span>

using namespace vpn;
using namespace vpn::tun;
using offload::Coalescer;
using offload::VnetHeader;
using namespace vpn::test;

namespace {

/// One write, taken or not.
struct Write {
    VnetHeader header;
    ByteVector packet{};
    bool taken = true;
};

/// Stands before the kernel as long as it lives.
class Kernel {
  public:
    Kernel() { standing() = this; }
    ~Kernel() { standing() = nullptr; }
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    /// The errno for a request, or zero to let it through.
    std::function<int(unsigned long request, unsigned long argument)> refusal = [](unsigned long, unsigned long) { return 0; };
    /// True: EINVAL for a packet behind this header.
    std::function<bool(const VnetHeader&)> refuses_write = [](const VnetHeader&) { return false; };
    int device = -1;             ///< whose writes it looks at
    std::vector<Write> writes{}; ///< to that one

    [[nodiscard]] std::size_t count(std::uint8_t segmentation, bool taken) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            writes, [&](const Write& each) { return each.header.segmentation == segmentation && each.taken == taken; }));
    }

    ssize_t write(int fd, std::span<const iovec> parts) {
        Write& write = writes.emplace_back();
        for (const iovec& part : parts.subspan(1)) {
            const auto* bytes = static_cast<const std::byte*>(part.iov_base);
            write.packet.insert(write.packet.end(), bytes, bytes + part.iov_len);
        }
        if (parts[0].iov_len == VnetHeader::size)
            write.header = VnetHeader::decode({static_cast<const std::byte*>(parts[0].iov_base), VnetHeader::size});
        write.taken = !refuses_write(write.header);
        if (write.taken) return ::syscall(SYS_writev, fd, parts.data(), parts.size());
        errno = EINVAL;
        return -1;
    }

    static Kernel*& standing() {
        static Kernel* kernel = nullptr;
        return kernel;
    }
};

} // namespace

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
    va_list rest;
    va_start(rest, request);
    const unsigned long argument = va_arg(rest, unsigned long);
    va_end(rest);
    const Kernel* kernel = Kernel::standing();
    const int error = kernel == nullptr ? 0 : kernel->refusal(request, argument);
    if (error == 0) return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
    errno = error;
    return -1;
}

extern "C" ssize_t writev(int fd, const iovec* parts, int count) {
    Kernel* kernel = Kernel::standing();
    if (kernel != nullptr && fd == kernel->device) return kernel->write(fd, {parts, static_cast<std::size_t>(count)});
    return ::syscall(SYS_writev, fd, parts, count);
}

namespace {

constexpr unsigned uso = 0x20U | 0x40U; // TUN_F_USO4 and TUN_F_USO6

std::size_t count(const std::vector<std::uint8_t>& segmentations, std::uint8_t segmentation) {
    return static_cast<std::size_t>(std::ranges::count(segmentations, segmentation));
}

/// Sends `bytes` to machine 2 as datagrams of `segment` bytes in one go.
void send_together(int fd, Family family, Bytes bytes, int segment) {
    REQUIRE(::setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0);
    const sockaddr_storage there = Machine::address(family, 2);
    const auto size = static_cast<ssize_t>(bytes.size());
    REQUIRE(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&there), sizeof there) == size);
}

/// IPv4's identification counts from anywhere: from zero here, and the header's checksum with it.
void number_from_zero(std::vector<ByteVector>& packets) {
    if (packets.empty() || (packets[0][0] >> 4) != std::byte{4}) return;
    const auto first = load_be<std::uint16_t>(packets[0].data() + 4);
    for (ByteVector& packet : packets) {
        const auto id = load_be<std::uint16_t>(packet.data() + 4);
        store_be(packet.data() + 4, static_cast<std::uint16_t>(id - first));
        store_be(packet.data() + 10, std::uint16_t{0});
    }
}

/// `count` packets of one flow to machine 2, each with `size` bytes of payload.
std::vector<ByteVector> flow(bool tcp, bool v6, std::size_t count, std::size_t size) {
    Packet whole{.v6 = v6, .tcp = tcp};
    whole.payload = support::SeededRandom(5).bytes(count * size);
    return one_at_a_time(whole, size);
}

/// Merges and writes them.
TunWriteReport write_merged(TunDevice& device, std::vector<ByteVector> packets) {
    Coalescer coalescer(device.features());
    for (ByteVector& packet : packets) coalescer.add(packet);
    coalescer.finish();
    return device.write(coalescer);
}

struct Kind {
    bool tcp;
    bool v6;
    VnetHeader::Segmentation segmentation;
};
constexpr std::array kinds{Kind{true, false, VnetHeader::tcp_v4}, Kind{true, true, VnetHeader::tcp_v6},
                           Kind{false, false, VnetHeader::udp}, Kind{false, true, VnetHeader::udp}};

} // namespace

TEST_CASE("a program's run of datagrams is read as one, and split it is what a device without offloads reads") {
    const ByteVector data = support::SeededRandom(2).bytes(60000);
    struct Shape {
        std::size_t bytes;
        int segment;
        std::size_t packets;
    };
    for (const Family family : {Family::v4, Family::v6}) {
        for (const Shape shape : {Shape{20000, 1000, 20}, Shape{20300, 1000, 21}, Shape{54000, 1372, 40}, Shape{64, 1, 64},
                                  Shape{2000, 1000, 2}, Shape{1001, 1000, 2}}) {
            CAPTURE(shape.bytes);
            std::array<Reading, 2> readings;
            for (const bool offloads : {false, true}) {
                Machine machine(1, offloads);
                const system::UniqueFd fd = machine.socket(family, SOCK_DGRAM);
                send_together(fd.get(), family, Bytes(data).first(shape.bytes), shape.segment);
                Reading& reading = readings.at(offloads ? 1 : 0);
                reading = read_all(machine.device());
                for (const ByteVector& packet : reading.packets) {
                    const auto layout = offload::layout_of(packet);
                    REQUIRE(layout);
                    CHECK(offload::checksums_are_right(*layout, packet));
                }
                number_from_zero(reading.packets);
            }
            CHECK(readings[0].segmentations == std::vector<std::uint8_t>(shape.packets, VnetHeader::none));
            CHECK(readings[1].segmentations == std::vector<std::uint8_t>{VnetHeader::udp});
            CHECK(readings[0].packets.size() == shape.packets);
            CHECK(readings[0].packets == readings[1].packets);
        }
    }
}

TEST_CASE("TCP runs through two devices in super-packets where there are offloads, and unharmed where there are none") {
    for (const Family family : {Family::v4, Family::v6}) {
        const auto kind = family == Family::v4 ? VnetHeader::tcp_v4 : VnetHeader::tcp_v6;
        for (const bool of_a : {true, false}) {
            for (const bool of_b : {true, false}) {
                CAPTURE(of_a);
                CAPTURE(of_b);
                Bridge bridge(of_a, of_b);
                Kernel kernel;
                kernel.device = bridge.b.device().fd();
                CHECK(bridge.transfer(family));
                CHECK((count(bridge.read_of_a, kind) > 0) == of_a);
                CHECK((kernel.count(kind, true) > 0) == of_b);
                CHECK(count(bridge.read_of_a, VnetHeader::udp) == 0);
            }
        }
    }
}

TEST_CASE("a kernel without USO still has TCP's; one without either has plain packets") {
    struct Kernels {
        std::function<bool(unsigned long)> takes;
        bool tcp;
        bool udp;
    };
    const std::array table{Kernels{[](unsigned long) { return true; }, true, true},
                           Kernels{[](unsigned long flags) { return (flags & uso) == 0; }, true, false},
                           Kernels{[](unsigned long flags) { return flags == 0; }, false, false},
                           Kernels{[](unsigned long) { return false; }, false, false}};
    for (const Kernels& each : table) {
        Kernel kernel;
        kernel.refusal = [&](unsigned long request, unsigned long argument) {
            return request == TUNSETOFFLOAD && !each.takes(argument) ? EINVAL : 0;
        };
        Bridge bridge;
        CHECK(bridge.a.device().features().tcp == each.tcp);
        CHECK(bridge.a.device().features().udp == each.udp);
        kernel.device = bridge.b.device().fd();
        for (const Family family : {Family::v4, Family::v6}) CHECK(bridge.transfer(family));
        const std::size_t tcp = count(bridge.read_of_a, VnetHeader::tcp_v4) + count(bridge.read_of_a, VnetHeader::tcp_v6);
        CHECK((tcp > 0) == each.tcp);
        CHECK((kernel.count(VnetHeader::tcp_v4, true) > 0) == each.tcp);

        read_all(bridge.a.device()); // TCP's farewell
        const system::UniqueFd fd = bridge.a.socket(Family::v4, SOCK_DGRAM);
        send_together(fd.get(), Family::v4, ByteVector(20000), 1000);
        const Reading reading = read_all(bridge.a.device());
        CHECK(reading.packets.size() == 20);
        CHECK((count(reading.segmentations, VnetHeader::udp) == 1) == each.udp);
    }
}

TEST_CASE("a driver that has no header before its packets is used without") {
    Kernel kernel;
    kernel.refusal = [](unsigned long request, unsigned long argument) {
        if (request == TUNSETOFFLOAD) return EINVAL;
        if (request != TUNSETIFF) return 0;
        return (reinterpret_cast<const ifreq*>(argument)->ifr_flags & IFF_VNET_HDR) != 0 ? EINVAL : 0;
    };
    Bridge bridge;
    CHECK_FALSE(bridge.a.device().features().tcp);
    CHECK_FALSE(bridge.a.device().features().udp);
    {
        const Inside inside(bridge.a.net());
        CHECK(shell("ip -d link show vpn0").find("tun type tun pi off vnet_hdr off persist off") != std::string::npos);
    }
    for (const Family family : {Family::v4, Family::v6}) CHECK(bridge.transfer(family));
    CHECK(count(bridge.read_of_a, VnetHeader::none) == bridge.read_of_a.size());
    kernel.refusal = [](unsigned long request, unsigned long) { return request == TUNSETIFF ? EINVAL : 0; };
    const NetNamespace net;
    const Inside inside(net);
    const auto refused = TunDevice::open("vpn0");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == TunError::Kind::other);
}

TEST_CASE("a super-packet that is refused is written packet by packet, as they came, and its kind never merged again") {
    for (const Kind& refused : kinds) {
        CAPTURE(int{refused.segmentation});
        Machine machine(2);
        Kernel kernel;
        kernel.device = machine.device().fd();
        kernel.refuses_write = [&](const VnetHeader& header) { return header.segmentation == refused.segmentation; };
        const auto packets = flow(refused.tcp, refused.v6, 30, 1000);
        TunWriteReport report = write_merged(machine.device(), packets);
        CHECK(report.written == 30);
        CHECK(report.refused == 0);
        REQUIRE(kernel.writes.size() == 31);
        CHECK_FALSE(kernel.writes[0].taken);
        for (std::size_t i = 0; i < packets.size(); ++i) {
            CHECK(kernel.writes[i + 1].packet == packets[i]);
            CHECK(kernel.writes[i + 1].header == VnetHeader{});
        }
        CHECK(machine.device().features().tcp != refused.tcp);
        CHECK(machine.device().features().udp == refused.tcp);

        kernel.writes.clear();
        CHECK(write_merged(machine.device(), packets).written == 30);
        CHECK(kernel.writes.size() == 30);
        CHECK(std::ranges::all_of(kernel.writes, [](const Write& each) { return each.taken; }));
        kernel.writes.clear();
        CHECK(write_merged(machine.device(), flow(!refused.tcp, refused.v6, 30, 1000)).written == 30);
        CHECK(kernel.writes.size() == 1);
    }
}

TEST_CASE("what was merged before another thread heard of the refusal is written as well") {
    Machine machine(2);
    Kernel kernel;
    kernel.device = machine.device().fd();
    kernel.refuses_write = [](const VnetHeader& header) { return header.segmentation == VnetHeader::udp; };
    CHECK(write_merged(machine.device(), flow(false, false, 10, 500)).written == 10);
    auto packets = flow(false, false, 10, 500);
    Coalescer coalescer({true, true});
    for (ByteVector& packet : packets) coalescer.add(packet);
    coalescer.finish();
    CHECK(machine.device().write(coalescer).written == 10);
}

TEST_CASE("TCP goes on through a device that refuses what it promised, and loses nothing") {
    for (const Family family : {Family::v4, Family::v6}) {
        Bridge bridge;
        Kernel kernel;
        kernel.device = bridge.b.device().fd();
        kernel.refuses_write = [](const VnetHeader& header) { return header.segmentation != VnetHeader::none; };
        CHECK(bridge.transfer(family));
        // Only what one batch had merged already.
        const std::size_t refused = kernel.count(family == Family::v4 ? VnetHeader::tcp_v4 : VnetHeader::tcp_v6, false);
        CHECK(refused > 0);
        CHECK(kernel.count(VnetHeader::none, true) > 100 * refused);
        CHECK_FALSE(bridge.b.device().features().tcp);
    }
}

TEST_CASE("this kernel takes all that is ever merged: no packet of a peer's can turn the offloads off") {
    Machine machine(2);
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        support::SeededRandom random(seed);
        TrainDrawer drawer(random);
        std::vector<ByteVector> packets;
        for (const Sent& sent : drawer.draw(60)) packets.push_back(sent.bytes());
        const TunWriteReport report = write_merged(machine.device(), packets);
        CHECK(report.written + report.full == packets.size());
        CHECK(report.refused == 0);
        REQUIRE(machine.device().features().tcp);
        REQUIRE(machine.device().features().udp);
        read_all(machine.device()); // what the kernel answers
    }
}
