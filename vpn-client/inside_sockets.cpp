#include "vpn-client/inside_sockets.hpp"

#include "common/system/socket_address.hpp"

#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace vpn::client {
namespace {

using system::OsResult;
using system::UniqueFd;

std::size_t place_of(Asked how, Family family) { return (how == Asked::by_dns ? 2U : 0U) + (family == Family::v6 ? 1U : 0U); }

UniqueFd socket_for(Family family, int type, int protocol) {
    return UniqueFd(::socket(system::address_family(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

OsResult<UniqueFd> tied_to(UniqueFd fd, const std::string& interface) {
    const std::string what = "cannot ask through " + interface;
    if (!fd) return system::os_failed(what, errno);
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), static_cast<socklen_t>(interface.size())) != 0)
        return system::os_failed(what, errno);
    return fd;
}

/// Only answers come through: a raw socket hears all ICMP else.
void filter_replies(const UniqueFd& fd, Family family) {
    if (family == Family::v4) {
        icmp_filter filter{~(1U << ICMP_ECHOREPLY)};
        ::setsockopt(fd.get(), SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
        return;
    }
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    ::setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
}

/// Raw if we may, else the unprivileged kind.
InsideSocket echo_socket(const std::string& interface, Family family) {
    const int protocol = family == Family::v4 ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
    UniqueFd raw = socket_for(family, SOCK_RAW, protocol);
    const bool is_ping = !raw;
    if (raw) filter_replies(raw, family);
    return {tied_to(is_ping ? socket_for(family, SOCK_DGRAM, protocol) : std::move(raw), interface), is_ping};
}

InsideSocket dns_socket(const std::string& interface, Family family) {
    return {tied_to(socket_for(family, SOCK_DGRAM, 0), interface)};
}

InsideSocket deaf(InsideSocket socket) {
    grow_deaf(socket);
    return socket;
}

} // namespace

InsideSockets InsideSockets::open(const std::string& interface) {
    return InsideSockets({deaf(echo_socket(interface, Family::v4)), deaf(echo_socket(interface, Family::v6)),
                          deaf(dns_socket(interface, Family::v4)), deaf(dns_socket(interface, Family::v6))});
}

const InsideSocket& InsideSockets::of(Asked how, Family family) const { return sockets_[place_of(how, family)]; }

void listen_to(const InsideSocket& socket) {
    if (!socket.fd) return;
    std::byte nothing{};
    while (::recv(socket.fd->get(), &nothing, sizeof nothing, 0) >= 0 || errno == EINTR || errno == ECONNREFUSED) {
    }
    const int unused = 0;
    ::setsockopt(socket.fd->get(), SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

void grow_deaf(const InsideSocket& socket) {
    if (!socket.fd) return;
    sock_filter drop_all{BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &drop_all};
    ::setsockopt(socket.fd->get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

} // namespace vpn::client
