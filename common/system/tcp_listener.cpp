#include "common/system/tcp_listener.hpp"

#include "common/system/socket_address.hpp"

namespace vpn::system {

OsResult<UniqueFd> listen_tcp(const Endpoint& endpoint) {
    const std::string what = "cannot listen on " + endpoint.to_string();
    UniqueFd fd(::socket(address_family(endpoint.address.family()), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return os_failed(what, errno);
    const int on = 1; // a predecessor's connections may still linger
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return os_failed(what, errno);
    SocketAddress address{};
    const socklen_t length = write_socket_address(endpoint, address);
    if (::bind(fd.get(), &address.any, length) != 0) return os_failed(what, errno);
    if (::listen(fd.get(), SOMAXCONN) != 0) return os_failed(what, errno);
    return fd;
}

} // namespace vpn::system
