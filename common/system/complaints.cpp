#include "common/system/complaints.hpp"

#include "common/system/socket_address.hpp"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace vpn::system {
namespace {

using Reason = UnreachableReport::Reason;

Reason reason_of_v4(const sock_extended_err& error) {
    if (error.ee_type != ICMP_DEST_UNREACH) return Reason::other;
    switch (error.ee_code) {
    case ICMP_PORT_UNREACH: return Reason::port;
    case ICMP_HOST_UNREACH:
    case ICMP_HOST_UNKNOWN:
    case ICMP_HOST_UNR_TOS: return Reason::host;
    case ICMP_NET_UNREACH:
    case ICMP_NET_UNKNOWN:
    case ICMP_NET_UNR_TOS: return Reason::net;
    case ICMP_NET_ANO:
    case ICMP_HOST_ANO:
    case ICMP_PKT_FILTERED: return Reason::prohibited;
    case ICMP_FRAG_NEEDED: return Reason::too_big;
    default: return Reason::other;
    }
}

Reason reason_of_v6(const sock_extended_err& error) {
    constexpr std::uint8_t source_policy = 5; // RFC 4443 3.1
    constexpr std::uint8_t rejected_route = 6;
    if (error.ee_type == ICMP6_PACKET_TOO_BIG) return Reason::too_big;
    if (error.ee_type != ICMP6_DST_UNREACH) return Reason::other;
    switch (error.ee_code) {
    case ICMP6_DST_UNREACH_NOPORT: return Reason::port;
    case ICMP6_DST_UNREACH_ADDR: return Reason::host;
    case ICMP6_DST_UNREACH_NOROUTE: return Reason::net;
    case ICMP6_DST_UNREACH_ADMIN:
    case source_policy:
    case rejected_route: return Reason::prohibited;
    default: return Reason::other;
    }
}

UnreachableReport report_of(const sock_extended_err& error, const Endpoint& destination) {
    UnreachableReport report{destination};
    if (error.ee_origin == SO_EE_ORIGIN_ICMP) report.reason = reason_of_v4(error);
    if (error.ee_origin == SO_EE_ORIGIN_ICMP6) report.reason = reason_of_v6(error);
    if (error.ee_origin == SO_EE_ORIGIN_LOCAL && error.ee_errno == EMSGSIZE) report.reason = Reason::too_big;
    if (report.reason == Reason::too_big) report.mtu = static_cast<int>(error.ee_info);
    return report;
}

} // namespace

std::optional<std::optional<UnreachableReport>> next_complaint(int fd) {
    SocketAddress destination{};
    alignas(cmsghdr) std::array<std::byte, 512> control;
    msghdr message{};
    message.msg_name = &destination;
    message.msg_namelen = sizeof destination;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
    const auto endpoint = to_endpoint(destination);
    std::optional<UnreachableReport> report;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        const bool is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                              (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
        if (!is_error || !endpoint) continue;
        sock_extended_err error{};
        std::memcpy(&error, CMSG_DATA(part), sizeof error);
        report = report_of(error, *endpoint);
    }
    return report;
}

} // namespace vpn::system
