// DATAPATH 2 and THREATS "ENOBUFS, EAGAIN, EPERM, ENETUNREACH, EMSGSIZE, EIO, short sendmmsg", on real sockets in namespaces.
#include "tests/system/udp_talk.hpp"

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

using namespace vpn;
using system::IncomingBatch;
using system::OutgoingDatagram;
using system::SendReport;
using system::UdpSocket;
using system::UnreachableReport;
using namespace vpn::test;

namespace {

OutgoingDatagram to(const Endpoint& remote, std::string_view text) { return {bytes_of(text), {remote, {}}}; }

std::string text_of(const system::IncomingDatagram& datagram) {
    return {reinterpret_cast<const char*>(datagram.bytes.data()), datagram.bytes.size()};
}

/// The next datagram, waited for.
std::pair<std::string, Path> receive_one(UdpSocket& socket) {
    REQUIRE(readable(socket));
    IncomingBatch batch(1, 65536);
    REQUIRE(socket.receive(batch) == 1U);
    return {text_of(batch.datagrams()[0]), batch.datagrams()[0].path};
}

std::vector<UnreachableReport> drained(UdpSocket& socket) {
    std::vector<UnreachableReport> reports;
    socket.drain_errors([&reports](const UnreachableReport& report) { reports.push_back(report); });
    return reports;
}

struct Side {
    Family family;
    const char* loopback;
    const char* second;
};
constexpr Side sides[] = {{Family::v4, "127.0.0.1", "127.0.0.2"}, {Family::v6, "::1", "fd00::2"}};

} // namespace

TEST_CASE("a datagram arrives with the way it came, and the answer leaves from the address it was sent to") {
    const NetNamespace net;
    const Inside inside(net);
    shell("ip address add fd00::2/128 dev lo nodad");
    test::wait_until_local("fd00::2");
    for (const Side& side : sides) {
        CAPTURE(std::string(side.loopback));
        UdpSocket server = open_socket(side.family);
        UdpSocket client = open_socket(side.family);
        CHECK(send_one(client, to(at(side.second, server), "hello")).sent == 1);

        const auto [text, path] = receive_one(server);
        CHECK(text == "hello");
        CHECK(path.remote.port == client.port());
        CHECK(path.local.address == address(side.second));
        CHECK(path.local.interface == 1);

        const OutgoingDatagram answer{bytes_of("welcome"), path};
        const SendReport report = send_one(server, answer);
        CHECK(report.sent == 1);
        CHECK(report.dropped() == 0);
        CHECK(report.stale_source == 0);
        const auto [answer_text, answer_path] = receive_one(client);
        CHECK(answer_text == "welcome");
        CHECK(answer_path.remote == at(side.second, server));
    }
}

TEST_CASE("without sticky source the kernel would have chosen another address") {
    const NetNamespace net;
    const Inside inside(net);
    UdpSocket server = open_socket(Family::v4);
    UdpSocket client = open_socket(Family::v4);
    CHECK(send_one(server, to(at("127.0.0.1", client), "x")).sent == 1);
    CHECK(receive_one(client).second.remote.address == address("127.0.0.1"));
    const OutgoingDatagram pinned{bytes_of("x"), {at("127.0.0.1", client), {address("127.0.0.77"), 0}}};
    CHECK(send_one(server, pinned).sent == 1);
    CHECK(receive_one(client).second.remote.address == address("127.0.0.77"));
}

TEST_CASE("two hundred datagrams of every length go in one send and arrive in order") {
    const NetNamespace net;
    const Inside inside(net);
    for (const Side& side : sides) {
        UdpSocket server = open_socket(side.family);
        UdpSocket client = open_socket(side.family);
        std::vector<std::string> texts;
        std::vector<OutgoingDatagram> datagrams;
        datagrams.reserve(200);
        for (std::size_t i = 0; i < 200; ++i) texts.emplace_back(i, static_cast<char>('a' + i % 26));
        for (const std::string& text : texts) datagrams.push_back(to(at(side.loopback, server), text));
        CHECK(client.send(datagrams).sent == 200);

        IncomingBatch batch(64, 256);
        std::size_t next = 0;
        while (next < 200) {
            REQUIRE(readable(server));
            const auto got = server.receive(batch);
            REQUIRE(got.has_value());
            REQUIRE(batch.datagrams().size() == *got);
            for (const auto& datagram : batch.datagrams()) {
                REQUIRE(next < 200);
                CHECK(text_of(datagram) == texts[next++]);
            }
        }
        CHECK(server.receive(batch) == 0U);
        CHECK(batch.datagrams().empty());
    }
}

TEST_CASE("a datagram longer than its slot is dropped and counted, its neighbours arrive") {
    const NetNamespace net;
    const Inside inside(net);
    UdpSocket server = open_socket(Family::v4);
    UdpSocket client = open_socket(Family::v4);
    const Endpoint there = at("127.0.0.1", server);
    const std::string long_text(65507, 'l');
    const std::string fits(100, 'f');
    const std::string over(101, 'o');
    const std::vector<OutgoingDatagram> datagrams{to(there, "first"), to(there, long_text), to(there, fits), to(there, over),
                                                  to(there, "last")};
    CHECK(client.send(datagrams).sent == 5);
    REQUIRE(readable(server));
    IncomingBatch batch(8, 100);
    REQUIRE(server.receive(batch) == 3U);
    CHECK(batch.truncated() == 2);
    CHECK(text_of(batch.datagrams()[0]) == "first");
    CHECK(text_of(batch.datagrams()[1]) == fits);
    CHECK(text_of(batch.datagrams()[2]) == "last");
}

TEST_CASE("one bad datagram never sinks its batch") {
    const NetNamespace net;
    const Inside inside(net);
    shell("ip link add d0 type veth peer name d1 && ip address add 192.0.2.1/24 dev d0 && ip link set d0 up");
    UdpSocket server = open_socket(Family::v4);
    UdpSocket client = open_socket(Family::v4);
    const Endpoint there = at("127.0.0.1", server);
    const std::string too_big(65508, 'b');
    const std::vector<OutgoingDatagram> datagrams{
        to(there, "1"),
        to(there, "2"),
        to(there, too_big),
        to(endpoint("203.0.113.1:9"), "nowhere to go"),
        to(there, "3"),
        to(endpoint("192.0.2.255:9"), "broadcast without permission"),
        to({address("127.0.0.1"), Port{0}, 0}, "no port"),
        to(endpoint("[::1]:9"), "the other family"),
        to(there, "4"),
    };
    const SendReport report = client.send(datagrams);
    CHECK(report.sent == 4);
    CHECK(report.not_permitted == 1);
    CHECK(report.too_big == 1);
    CHECK(report.unreachable == 1);
    CHECK(report.other == 2);
    CHECK(report.dropped() == 5);
    for (const char* expected : {"1", "2", "3", "4"}) CHECK(receive_one(server).first == expected);
}

TEST_CASE("what a firewall forbids is counted, and the rest goes") {
    const NetNamespace net;
    const Inside inside(net);
    REQUIRE(shell("nft 'table inet t { chain o { type filter hook output priority 0; udp dport 9 drop; }; }'").empty());
    UdpSocket server = open_socket(Family::v4);
    UdpSocket client = open_socket(Family::v4);
    const std::vector<OutgoingDatagram> datagrams{to(endpoint("127.0.0.1:9"), "x"), to(at("127.0.0.1", server), "y")};
    const SendReport report = client.send(datagrams);
    CHECK(report.not_permitted == 1);
    CHECK(report.sent == 1);
    CHECK(receive_one(server).first == "y");
}

TEST_CASE("a closed port is reported with the destination, and fails nobody else's datagram") {
    const NetNamespace net;
    const Inside inside(net);
    for (const Side& side : sides) {
        CAPTURE(std::string(side.loopback));
        UdpSocket server = open_socket(side.family);
        UdpSocket client = open_socket(side.family);
        const Endpoint closed{address(side.loopback), Port{9}, 0};
        CHECK(send_one(client, to(closed, "anybody?")).sent == 1);
        REQUIRE(readable(client, 0)); // POLLERR needs no asking

        // The kernel fails the next send, whoever it is for.
        const std::vector<OutgoingDatagram> datagrams{to(at(side.loopback, server), "a"), to(at(side.loopback, server), "b")};
        const SendReport report = client.send(datagrams);
        CHECK(report.sent == 2);
        CHECK(report.dropped() == 0);
        CHECK(report.errors_pending);
        CHECK(client.errors_pending());
        CHECK(drained(client) == std::vector{UnreachableReport{closed, UnreachableReport::Reason::port, 0}});
        CHECK_FALSE(client.errors_pending());
        CHECK(drained(client).empty());
        CHECK(receive_one(server).first == "a");
        CHECK(receive_one(server).first == "b");
    }
}

TEST_CASE("a complaint that interrupts a receive is kept, and nothing that waits is lost") {
    const NetNamespace net;
    const Inside inside(net);
    UdpSocket server = open_socket(Family::v4);
    UdpSocket client = open_socket(Family::v4);
    CHECK(send_one(server, to(at("127.0.0.1", client), "waiting")).sent == 1);
    CHECK(send_one(client, to(endpoint("127.0.0.1:9"), "anybody?")).sent == 1);
    IncomingBatch batch(4, 64);
    REQUIRE(client.receive(batch) == 1U);
    CHECK(text_of(batch.datagrams()[0]) == "waiting");
    CHECK(client.errors_pending());
    CHECK(drained(client).size() == 1);
}

TEST_CASE("routers' complaints have their reasons") {
    const Joined joined;
    shell("ip route add default via 10.0.0.2 && ip route add default via fd01::2");
    {
        const Inside there(joined.far());
        shell("echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
        shell("echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit");
        shell("ip route add prohibit 198.51.100.0/24; ip route add unreachable 203.0.113.0/24");
        shell("ip -6 route add prohibit 2001:db8:1::/48; ip -6 route add unreachable 2001:db8:2::/48");
    }
    using Reason = UnreachableReport::Reason;
    const std::vector<std::pair<const char*, Reason>> table{
        {"198.51.100.1:9", Reason::prohibited},    {"203.0.113.1:9", Reason::host},    {"8.8.8.8:9", Reason::net},
        {"[2001:db8:1::1]:9", Reason::prohibited}, {"[2001:db8:2::1]:9", Reason::net}, {"[2001:db8:3::1]:9", Reason::net}};
    for (const auto& [text, reason] : table) {
        const Endpoint remote = endpoint(text);
        CAPTURE(remote.to_string());
        UdpSocket socket = open_socket(remote.address.family());
        CHECK(send_one(socket, to(remote, "x")).sent == 1);
        REQUIRE(readable(socket, 0));
        CHECK(drained(socket) == std::vector{UnreachableReport{remote, reason, 0}});
    }
}

TEST_CASE("a source address that is no longer ours is replaced and reported") {
    const NetNamespace net;
    const Inside inside(net);
    for (const Side& side : sides) {
        UdpSocket server = open_socket(side.family);
        UdpSocket client = open_socket(side.family);
        const char* gone = side.family == Family::v4 ? "192.0.2.7" : "2001:db8::7";
        const Path stale{at(side.loopback, server), {address(gone), 1}};
        const std::vector<OutgoingDatagram> datagrams{
            to(at(side.loopback, server), "a"), {bytes_of("b"), stale}, to(at(side.loopback, server), "c")};
        const SendReport report = client.send(datagrams);
        CHECK(report.sent == 3);
        CHECK(report.stale_source == 1);
        CHECK(report.dropped() == 0);
        for (const char* expected : {"a", "b", "c"}) {
            const auto [text, path] = receive_one(server);
            CHECK(text == expected);
            CHECK(path.remote.address == address(side.loopback));
        }
    }
}

TEST_CASE("link-local answers find their interface") {
    const Joined joined;
    std::optional<UdpSocket> server;
    {
        const Inside there(joined.far());
        server = open_socket(Family::v6);
    }
    UdpSocket client = open_socket(Family::v6);
    const std::string index = shell("ip -o link show near0");
    Endpoint there{address("fe80::2"), server->port(), static_cast<std::uint32_t>(std::stoul(index))};
    CHECK(send_one(client, to(there, "hello")).sent == 1);
    const Path path = receive_one(*server).second;
    CHECK(path.remote.scope != 0);
    const OutgoingDatagram answer{bytes_of("welcome"), path};
    CHECK(send_one(*server, answer).sent == 1);
    CHECK(receive_one(client).first == "welcome");

    // Nothing but the source says which interface: the other side asked from a global address.
    const OutgoingDatagram from_global{bytes_of("hello"), {there, {address("fd01::1"), 0}}};
    CHECK(send_one(client, from_global).sent == 1);
    const Path mixed = receive_one(*server).second;
    CHECK(mixed.remote == at("fd01::1", client));
    const OutgoingDatagram second_answer{bytes_of("welcome"), mixed};
    CHECK(send_one(*server, second_answer).stale_source == 0);
    CHECK(receive_one(client).second.remote.address == address("fe80::2"));
}

TEST_CASE("what is larger than the path is fragmented, not refused") {
    const Joined joined("1280");
    std::optional<UdpSocket> v4;
    std::optional<UdpSocket> v6;
    {
        const Inside there(joined.far());
        v4 = open_socket(Family::v4);
        v6 = open_socket(Family::v6);
    }
    const std::string large(1900, 'l');
    UdpSocket client4 = open_socket(Family::v4);
    UdpSocket client6 = open_socket(Family::v6);
    CHECK(send_one(client4, to(at("10.0.0.2", *v4), large)).sent == 1);
    CHECK(send_one(client6, to(at("fd01::2", *v6), large)).sent == 1);
    CHECK(receive_one(*v4).first == large);
    CHECK(receive_one(*v6).first == large);
}

TEST_CASE("a full socket buffer drops the rest after a moment, and says so") {
    const NetNamespace net;
    const Inside inside(net);
    // Nobody answers for the neighbour: what is sent waits in the kernel and fills the buffer.
    shell("ip link add near0 type veth peer name far0 && ip link set far0 up && ip link set near0 up && ip address add "
          "10.0.0.1/24 dev near0");
    UdpSocket client = open_socket(Family::v4);
    const int small = 4608;
    REQUIRE(::setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    const std::string text(1000, 't');
    const std::vector<OutgoingDatagram> datagrams(100, to(endpoint("10.0.0.2:9"), text));
    const SendReport report = client.send(datagrams);
    CHECK(report.sent + report.would_block == 100);
    CHECK(report.would_block > 0);
}

TEST_CASE("a port that is taken is a distinct error; families do not take each other's") {
    const NetNamespace net;
    const Inside inside(net);
    const UdpSocket first = open_socket(Family::v4, 51820);
    CHECK(first.port() == Port{51820});
    const auto second = UdpSocket::open(Family::v4, Port{51820}, Mark{0});
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == std::errc::address_in_use);
    CHECK(second.error().message.find("51820") != std::string::npos);
    CHECK(open_socket(Family::v6, 51820).port() == Port{51820});
}

TEST_CASE("what begins with another byte comes to a socket of its own, and a flood of it takes no room of the first") {
    const NetNamespace net;
    const Inside inside(net);
    for (const Side& side : sides) {
        CAPTURE(std::string(side.loopback));
        UdpSocket data = open_socket(side.family);
        UdpSocket client = open_socket(side.family);
        const Endpoint there = at(side.loopback, data);
        CHECK(send_one(client, to(there, "before")).sent == 1);
        auto other = data.split_off(std::byte{'d'}, Mark{0});
        REQUIRE(other.has_value());
        CHECK(other->port() == data.port());
        CHECK(receive_one(data).first == "before");

        const std::string large(60000, 'f');
        for (int i = 0; i < 1000; ++i) send_one(client, to(there, large)); // more than any buffer holds
        CHECK(send_one(client, to(there, "data")).sent == 1);
        CHECK(send_one(client, to(there, "")).sent == 1);
        CHECK(receive_one(data).first == "data");
        CHECK(receive_one(data).first.empty());
        CHECK_FALSE(readable(data, POLLIN, 0));
        CHECK(receive_one(*other).first == large);
        // Both answer from the port that they share, and a complaint may come to either.
        CHECK(send_one(*other, to(at(side.loopback, client), "answer")).sent == 1);
        CHECK(receive_one(client).second.remote == there);

        const auto third = UdpSocket::open(side.family, data.port(), Mark{0});
        REQUIRE_FALSE(third.has_value());
        CHECK(third.error().code == std::errc::address_in_use);
    }
}

TEST_CASE("the mark reaches the firewall") {
    const NetNamespace net;
    const Inside inside(net);
    shell("nft 'table inet t { chain o { type filter hook output priority 0; meta mark 0xca6c0001 counter accept; }; }'");
    auto marked = UdpSocket::open(Family::v4, Port{0}, Mark{0xca6c0001});
    REQUIRE(marked.has_value());
    CHECK(send_one(*marked, to(endpoint("127.0.0.1:9"), "x")).sent == 1);
    CHECK(shell("nft list table inet t").find("counter packets 1 ") != std::string::npos);
}

TEST_CASE("a kernel without IPv6 is told apart") {
    const NetNamespace net;
    const Inside inside(net);
    shell("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/lo/disable_ipv6");
    UdpSocket socket = open_socket(Family::v6);
    const SendReport report = send_one(socket, to(endpoint("[2001:db8::1]:9"), "x"));
    CHECK(report.sent == 0);
    CHECK(report.unreachable == 1);
}
