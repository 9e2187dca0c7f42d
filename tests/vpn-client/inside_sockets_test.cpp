#include "vpn-client/inside_sockets.hpp"

#include "common/system/socket_address.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <cerrno>

namespace vpn::client {
namespace {

/// Gives the socket a port on loopback, and somebody who writes to it.
system::UniqueFd writer_to(const InsideSocket& socket) {
    system::SocketAddress address{};
    socklen_t length = system::write_socket_address({*IpAddress::parse("127.0.0.1"), Port{}, 0}, address);
    REQUIRE(::bind(socket.fd->get(), &address.any, length) == 0);
    REQUIRE(::getsockname(socket.fd->get(), &address.any, &length) == 0);
    system::UniqueFd writer(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(writer.get(), &address.any, length) == 0);
    return writer;
}

char heard(const InsideSocket& socket) {
    char byte = '-';
    return ::recv(socket.fd->get(), &byte, 1, 0) == 1 ? byte : '-';
}

} // namespace

TEST_CASE("a socket hears what comes while it is listened to") {
    const InsideSockets sockets = InsideSockets::open("lo");
    const InsideSocket& socket = sockets.of(Asked::by_dns, Family::v4);
    REQUIRE(socket.fd);
    const system::UniqueFd writer = writer_to(socket);
    const auto write = [&writer](char byte) { REQUIRE(::send(writer.get(), &byte, 1, 0) == 1); };

    write('a');
    CHECK(heard(socket) == '-');
    listen_to(socket);
    CHECK(heard(socket) == '-');
    write('b');
    CHECK(heard(socket) == 'b');

    write('c');
    grow_deaf(socket);
    write('d');
    listen_to(socket);
    CHECK(heard(socket) == '-');
    write('e');
    CHECK(heard(socket) == 'e');
}

TEST_CASE("what can't be made is told where it is wanted, with the interface's name") {
    const InsideSockets sockets = InsideSockets::open("no-such-0");
    for (const Asked how : {Asked::by_echo, Asked::by_dns}) {
        const InsideSocket& socket = sockets.of(how, Family::v4);
        REQUIRE_FALSE(socket.fd);
        CHECK(socket.fd.error().message.find("no-such-0") != std::string::npos);
        listen_to(socket);
        grow_deaf(socket);
    }
}

} // namespace vpn::client
