// Name servers on a loopback of the test's own; which of their questions carry the mark, nftables tells.
#include "common/system/marked_lookup.hpp"
#include "common/system/socket_address.hpp"
#include "common/system/unique_fd.hpp"
#include "tests/support/net_namespace.hpp"

#include <doctest/doctest.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

using namespace vpn;
using namespace vpn::system;
using test::Inside;
using test::NetNamespace;
using test::shell;

namespace {

constexpr Mark mark{0x76706e};

Endpoint endpoint(std::string_view text) { return Endpoint::parse(text).value(); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

/// Answers what it is told to, when it is told to; everything else does not exist.
class NameServer {
  public:
    explicit NameServer(std::string_view where) : NameServer(endpoint(where)) {}
    explicit NameServer(const Endpoint& where)
        : fd_(::socket(address_family(where.address.family()), SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        SocketAddress local{};
        const socklen_t length = write_socket_address(where, local);
        REQUIRE(::bind(fd_.get(), &local.any, length) == 0);
    }
    std::map<std::uint16_t, std::vector<IpAddress>> records; ///< by type
    bool silent = false;
    int asked = 0;

    [[nodiscard]] int fd() const { return fd_.get(); }
    void answer() {
        std::array<char, 512> buffer{};
        SocketAddress from{};
        socklen_t length = sizeof from;
        const ssize_t got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, &from.any, &length);
        REQUIRE(got > 12);
        ++asked;
        if (silent) return;
        std::string message(buffer.data(), static_cast<std::size_t>(got));
        const std::size_t end = message.find('\0', 12) + 5; // of the question
        const auto type = static_cast<std::uint16_t>(static_cast<unsigned char>(message[end - 3]));
        message.resize(end);
        const std::vector<IpAddress> found = records[type];
        message[2] = '\x81';
        message[3] = found.empty() ? '\x83' : '\x80';
        message.replace(6, 6, std::string{'\0', static_cast<char>(found.size()), '\0', '\0', '\0', '\0'});
        for (const IpAddress& each : found) {
            message += std::string{'\xc0', '\x0c', '\0', static_cast<char>(type), '\0', '\1', '\0', '\0', '\0', '\x3c', '\0'};
            message += static_cast<char>(each.bytes().size());
            message.append(reinterpret_cast<const char*>(each.bytes().data()), each.bytes().size());
        }
        REQUIRE(::sendto(fd_.get(), message.data(), message.size(), 0, &from.any, length) > 0);
    }

  private:
    UniqueFd fd_;
};

Resolved wait_for(MarkedLookup& lookup, std::vector<NameServer*> servers) {
    for (;;) {
        std::vector<pollfd> watched{{lookup.fd(), POLLIN, 0}};
        for (const NameServer* each : servers) watched.push_back({each->fd(), POLLIN, 0});
        REQUIRE(::poll(watched.data(), watched.size(), 60'000) > 0);
        for (std::size_t i = 0; i < servers.size(); ++i)
            if (watched[i + 1].revents != 0) servers[i]->answer();
        if (watched[0].revents == 0) continue;
        if (auto answer = lookup.handle_events()) return std::move(*answer);
    }
}

} // namespace

TEST_CASE("a name has its addresses of both families, asked by sockets that carry the mark, all of them") {
    const NetNamespace net;
    const Inside inside(net);
    REQUIRE(shell("nft 'table ip t { chain out { type filter hook output priority 0; policy accept; udp dport 53 meta mark " +
                  std::to_string(mark.value) + " counter comment \"marked\"; udp dport 53 meta mark != " +
                  std::to_string(mark.value) + " counter drop; }; }'") == "");
    NameServer server("127.0.0.5:53");
    server.records = {{1, {address("192.0.2.1"), address("192.0.2.2")}}, {28, {address("2001:db8::1")}}};
    MarkedLookup lookup("vps.example.org", Port{51820}, {address("127.0.0.5")}, mark);
    auto found = wait_for(lookup, {&server});
    REQUIRE(found);
    std::ranges::sort(*found);
    CHECK(*found == std::vector{endpoint("192.0.2.1:51820"), endpoint("192.0.2.2:51820"), endpoint("[2001:db8::1]:51820")});
    CHECK(server.asked == 2);
    CHECK(shell("nft list table ip t").find("counter packets 2 ") != std::string::npos);
    CHECK(shell("nft list table ip t").find("counter packets 0 bytes 0 drop") != std::string::npos);
}

TEST_CASE("a name that is not there is not found") {
    const NetNamespace net;
    const Inside inside(net);
    NameServer server("127.0.0.5:53");
    MarkedLookup lookup("missing.example.org", Port{1}, {address("127.0.0.5")}, mark);
    const auto found = wait_for(lookup, {&server});
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ResolveError::Kind::not_found);
}

TEST_CASE("one address of one family is enough") {
    const NetNamespace net;
    const Inside inside(net);
    NameServer server("127.0.0.5:53");
    server.records = {{28, {address("2001:db8::1")}}};
    MarkedLookup lookup("six.example.org", Port{1}, {address("127.0.0.5")}, mark);
    CHECK(wait_for(lookup, {&server}).value() == std::vector{endpoint("[2001:db8::1]:1")});
}

TEST_CASE("of a name with more addresses than any server has, eight of each family count") {
    const NetNamespace net;
    const Inside inside(net);
    NameServer server("127.0.0.5:53");
    for (int i = 1; i <= 20; ++i) server.records[1].push_back(address("192.0.2." + std::to_string(i)));
    for (int i = 1; i <= 9; ++i) server.records[28].push_back(address("2001:db8::" + std::to_string(i)));
    MarkedLookup lookup("many.example.org", Port{1}, {address("127.0.0.5")}, mark);
    const auto found = wait_for(lookup, {&server});
    REQUIRE(found);
    CHECK(std::ranges::count_if(*found, [](const Endpoint& each) { return each.address.is_v4(); }) == 8);
    CHECK(found->size() == 16);
}

TEST_CASE("link-local name servers are asked by their interfaces, two of the same address too, by a stock's sockets and others") {
    const NetNamespace net;
    const Inside inside(net);
    CHECK(shell("for link in one two; do ip link add $link type veth peer name far-$link; ip link set $link addrgenmode none; "
                "ip link set far-$link up; ip link set $link up; ip addr add fe80::5/64 dev $link nodad; done")
              .empty());
    const IpAddress local = address("fe80::5");
    const std::uint32_t one = ::if_nametoindex("one");
    const std::uint32_t two = ::if_nametoindex("two");
    NameServer first({local, Port{53}, one});
    NameServer second({local, Port{53}, two});
    first.records = {{1, {address("192.0.2.1")}}};
    second.records = {{1, {address("192.0.2.2")}}};
    auto stock = SocketStock::open();
    REQUIRE(stock);
    for (SocketStock* const lent : {static_cast<SocketStock*>(nullptr), &*stock}) {
        first.silent = false;
        MarkedLookup both("vps.example.org", Port{1}, {{local, one}, {local, two}}, mark, lent);
        CHECK(wait_for(both, {&first, &second}).value() == std::vector{endpoint("192.0.2.1:1")});
        MarkedLookup other("vps.example.org", Port{1}, {{local, two}}, mark, lent);
        CHECK(wait_for(other, {&first, &second}).value() == std::vector{endpoint("192.0.2.2:1")});
        first.silent = true;
        MarkedLookup behind("vps.example.org", Port{1}, {{local, one}, {local, two}}, mark, lent);
        CHECK(wait_for(behind, {&first, &second}).value() == std::vector{endpoint("192.0.2.2:1")});
        MarkedLookup nowhere("vps.example.org", Port{1}, {{local, 4711}, local, {local, two}}, mark, lent);
        CHECK(wait_for(nowhere, {&first, &second}).value() == std::vector{endpoint("192.0.2.2:1")});
    }
}

TEST_CASE("when the first name server says nothing, or nobody is there, the second is asked") {
    const NetNamespace net;
    const Inside inside(net);
    NameServer second("127.0.0.6:53");
    second.records = {{1, {address("192.0.2.1")}}};
    SUBCASE("nobody is there") {
        MarkedLookup lookup("vps.example.org", Port{1}, {address("127.0.0.5"), address("127.0.0.6")}, mark);
        CHECK(wait_for(lookup, {&second}).value() == std::vector{endpoint("192.0.2.1:1")});
    }
    SUBCASE("it says nothing") {
        NameServer first("127.0.0.5:53");
        first.silent = true;
        MarkedLookup lookup("vps.example.org", Port{1}, {address("127.0.0.5"), address("127.0.0.6")}, mark);
        CHECK(wait_for(lookup, {&first, &second}).value() == std::vector{endpoint("192.0.2.1:1")});
        CHECK(first.asked > 0);
    }
}

TEST_CASE("name servers to whom no way leads are no answer, and no reason to try for ever") {
    const NetNamespace net;
    const Inside inside(net);
    MarkedLookup lookup("vps.example.org", Port{1}, {address("192.0.2.53")}, mark);
    const auto found = wait_for(lookup, {});
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ResolveError::Kind::try_again);
    CHECK_FALSE(found.error().message.empty());
}

TEST_CASE("what can be no name is refused, and a look-up that nobody waits for any more harms nobody") {
    const NetNamespace net;
    const Inside inside(net);
    for (const std::string& name : {std::string("a..b"), std::string(300, 'x'), std::string()}) {
        MarkedLookup lookup(name, Port{1}, {address("127.0.0.5")}, mark);
        CHECK_FALSE(wait_for(lookup, {}).has_value());
    }
    for (int i = 0; i < 50; ++i) MarkedLookup("vps.example.org", Port{1}, {address("127.0.0.5")}, mark);
}

TEST_CASE("with sockets made beforehand, names are asked in the network where those were made, again and again") {
    const NetNamespace home;
    const NetNamespace elsewhere;
    std::optional<NameServer> server;
    std::optional<OsResult<SocketStock>> stock;
    {
        const Inside inside(home);
        server.emplace("127.0.0.5:53");
        stock.emplace(SocketStock::open());
        REQUIRE(*stock);
    }
    const Inside inside(elsewhere);
    server->records = {{1, {address("192.0.2.1")}}};
    for (int i = 0; i < 100; ++i) {
        MarkedLookup lookup("vps.example.org", Port{1}, {address("127.0.0.5")}, mark, &**stock);
        REQUIRE(wait_for(lookup, {&*server}).value() == std::vector{endpoint("192.0.2.1:1")});
    }
    MarkedLookup without("vps.example.org", Port{1}, {address("127.0.0.5")}, mark);
    CHECK_FALSE(wait_for(without, {}).has_value());
}

TEST_CASE("look-ups that are dropped give their sockets back, and one for which there are none left ends all the same") {
    const NetNamespace net;
    const Inside inside(net);
    auto stock = SocketStock::open();
    REQUIRE(stock);
    NameServer server("127.0.0.5:53");
    server.records = {{1, {address("192.0.2.1")}}};
    const auto begin = [&] { return MarkedLookup("vps.example.org", Port{1}, {address("127.0.0.5")}, mark, &*stock); };
    for (int i = 0; i < 100; ++i) begin();
    {
        std::vector<MarkedLookup> many;
        for (int i = 0; i < 100; ++i) many.push_back(begin());
        CHECK_FALSE(wait_for(many.back(), {}).has_value());
    }
    auto lookup = begin();
    CHECK(wait_for(lookup, {&server}).value() == std::vector{endpoint("192.0.2.1:1")});
}

TEST_CASE("a socket that came back is like a new one: without a port, a peer, or anything to read") {
    const NetNamespace net;
    const Inside inside(net);
    auto stock = SocketStock::open();
    REQUIRE(stock);
    NameServer server("127.0.0.5:53");
    const int fd = stock->lend(AF_INET, SOCK_DGRAM);
    REQUIRE(fd >= 0);
    SocketAddress there{};
    const socklen_t length = write_socket_address(endpoint("127.0.0.5:53"), there);
    REQUIRE(::connect(fd, &there.any, length) == 0);
    SocketAddress ours{};
    socklen_t size = sizeof ours;
    REQUIRE(::getsockname(fd, &ours.any, &size) == 0);
    REQUIRE(::sendto(server.fd(), "late", 4, 0, &ours.any, size) == 4);
    stock->take_back(fd);
    REQUIRE(stock->lend(AF_INET, SOCK_DGRAM) == fd);
    std::array<char, 8> rest{};
    CHECK(::recv(fd, rest.data(), rest.size(), MSG_DONTWAIT) < 0);
    size = sizeof ours;
    REQUIRE(::getsockname(fd, &ours.any, &size) == 0);
    CHECK(ours.v4.sin_port == 0);
    CHECK(::getpeername(fd, &ours.any, &size) < 0);
}
