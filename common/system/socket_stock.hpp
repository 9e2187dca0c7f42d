// Sockets that were made in one network, to be lent out once their owner has gone to another one: a socket stays where it was
// made, and who has given up the privilege to go back can make no more of them there. Refuses to know: what is sent through them.
#pragma once

#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <vector>

namespace vpn::system {

/// Of both families, for datagrams and, fewer, for streams; none of them blocks. Not thread-safe.
class SocketStock {
  public:
    /// Made in the network namespace of the calling thread; what the kernel can't make there is not in stock.
    /// Errors: there is nothing in it.
    static OsResult<SocketStock> open();

    /// For AF_INET or AF_INET6, and SOCK_DGRAM or SOCK_STREAM: a socket that nobody else has, bound and connected to nothing. It
    /// stays ours: it is not to be closed. -1, and errno says so, if there is none left.
    int lend(int family, int type);
    /// Of a socket that was lent. What still was to be read is thrown away, and its port is given up.
    void take_back(int fd);

  private:
    struct Socket {
        UniqueFd fd;
        int family;
        int type;
        bool lent = false;
    };
    explicit SocketStock(std::vector<Socket> sockets) : sockets_(std::move(sockets)) {}

    std::vector<Socket> sockets_;
};

} // namespace vpn::system
