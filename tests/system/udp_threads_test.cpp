// One socket, several threads, as the data path uses it; meant for ThreadSanitizer too.
#include "common/system/udp_socket.hpp"
#include "tests/support/net_namespace.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

using namespace vpn;
using namespace vpn::system;

TEST_CASE("three threads send while one receives and one drains complaints: every datagram is accounted for") {
    const test::NetNamespace net;
    const test::Inside inside(net);
    UdpSocket socket = UdpSocket::open(Family::v4, Port{0}, Mark{0}).value();
    const Endpoint ourselves{IpAddress::parse("127.0.0.1").value(), socket.port(), 0};
    const Endpoint closed{IpAddress::parse("127.0.0.1").value(), Port{9}, 0};
    constexpr std::size_t rounds = 100;
    constexpr std::size_t per_round = 20; // of which one goes to a closed port
    std::atomic<std::size_t> sent = 0;
    std::atomic<std::size_t> dropped = 0;
    std::atomic<bool> done = false;
    std::array<std::size_t, 3> received_from{};
    std::size_t complaints = 0;

    const auto send_all = [&](std::byte sender) {
        const std::vector<std::byte> text(200, sender);
        std::vector<OutgoingDatagram> datagrams(per_round, OutgoingDatagram{text, {ourselves, {}}});
        datagrams[7].path.remote = closed;
        for (std::size_t i = 0; i < rounds; ++i) {
            const SendReport report = socket.send(datagrams);
            sent += report.sent;
            dropped += report.dropped();
        }
    };
    std::thread receiver([&] {
        IncomingBatch batch(16, 2048);
        while (true) {
            pollfd watched{socket.fd(), POLLIN, 0};
            const bool last = done;
            ::poll(&watched, 1, 10);
            const auto got = socket.receive(batch);
            for (const IncomingDatagram& datagram : batch.datagrams())
                ++received_from.at(std::to_integer<std::size_t>(datagram.bytes[0]));
            if (last && got.value_or(0) == 0) return;
        }
    });
    std::thread drainer([&] {
        while (!done) socket.drain_errors([&](const UnreachableReport&) { ++complaints; });
    });
    std::vector<std::thread> senders;
    for (unsigned i = 0; i < 3; ++i) senders.emplace_back(send_all, std::byte{static_cast<unsigned char>(i)});
    for (std::thread& sender : senders) sender.join();
    done = true;
    receiver.join();
    drainer.join();

    CHECK(sent + dropped == 3 * rounds * per_round);
    CHECK(complaints > 0);
    std::size_t received = 0;
    for (const std::size_t each : received_from) received += each;
    // Another thread's complaint may fail a datagram twice in a row; nothing else is lost.
    CHECK(received + 3 * rounds + dropped >= 3 * rounds * per_round);
    CHECK(received <= 3 * rounds * (per_round - 1));
    CHECK(dropped <= 3 * rounds);
}
