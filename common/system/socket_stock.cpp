#include "common/system/socket_stock.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace vpn::system {
namespace {

/// For all of a peer's names at the same time, and each with as many name servers as the C library reads.
constexpr int datagram_sockets = 8 * 3;
/// For answers that are too long for a datagram.
constexpr int stream_sockets = 2;

} // namespace

OsResult<SocketStock> SocketStock::open() {
    std::vector<Socket> sockets;
    int trouble = 0;
    for (const int family : {AF_INET, AF_INET6})
        for (const int type : {SOCK_DGRAM, SOCK_STREAM})
            for (int i = 0; i < (type == SOCK_DGRAM ? datagram_sockets : stream_sockets); ++i) {
                UniqueFd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
                if (fd)
                    sockets.push_back({std::move(fd), family, type});
                else
                    trouble = errno;
            }
    if (sockets.empty()) return os_failed("cannot make sockets for name servers", trouble);
    return SocketStock(std::move(sockets));
}

int SocketStock::lend(int family, int type) {
    const auto fits = [family, type](const Socket& each) { return !each.lent && each.family == family && each.type == type; };
    const auto found = std::ranges::find_if(sockets_, fits);
    if (found == sockets_.end()) {
        errno = EMFILE;
        return -1;
    }
    found->lent = true;
    return found->fd.get();
}

void SocketStock::take_back(int fd) {
    const auto found = std::ranges::find_if(sockets_, [fd](const Socket& each) { return each.fd.get() == fd; });
    if (found == sockets_.end()) return;
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    static_cast<void>(::connect(fd, &nobody, sizeof nobody)); // without a port, so that nothing more comes
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    std::array<char, 64> rest{};
    while (::recv(fd, rest.data(), rest.size(), MSG_DONTWAIT) > 0) {
    }
    found->lent = false;
}

} // namespace vpn::system
