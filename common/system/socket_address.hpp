// Endpoints as the socket calls want them, and back.
#pragma once

#include "common/base/ip.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

namespace vpn::system {

/// Room for an address of either family, and how much of it counts.
union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

inline IpAddress to_address(const in_addr& address) { return IpAddress::v4(std::as_bytes(std::span(&address, 1)).first<4>()); }
inline IpAddress to_address(const in6_addr& address) { return IpAddress::v6(std::as_bytes(std::span(&address, 1)).first<16>()); }

inline in_addr to_in_addr(const IpAddress& address) {
    in_addr result{};
    std::memcpy(&result, address.bytes().data(), sizeof result);
    return result;
}
/// Requires: an IPv6 address.
inline in6_addr to_in6_addr(const IpAddress& address) {
    in6_addr result{};
    std::memcpy(&result, address.bytes().data(), sizeof result);
    return result;
}

inline int address_family(Family family) { return family == Family::v4 ? AF_INET : AF_INET6; }

/// Fills `out`; returns the length that counts.
inline socklen_t write_socket_address(const Endpoint& endpoint, SocketAddress& out) {
    if (endpoint.address.is_v4()) {
        out.v4 = {};
        out.v4.sin_family = AF_INET;
        out.v4.sin_port = htons(endpoint.port.value);
        out.v4.sin_addr = to_in_addr(endpoint.address);
        return sizeof out.v4;
    }
    out.v6 = {};
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(endpoint.port.value);
    out.v6.sin6_addr = to_in6_addr(endpoint.address);
    out.v6.sin6_scope_id = endpoint.scope;
    return sizeof out.v6;
}

/// Nothing for other families.
inline std::optional<Endpoint> to_endpoint(const SocketAddress& address) {
    if (address.any.sa_family == AF_INET) return Endpoint{to_address(address.v4.sin_addr), Port{ntohs(address.v4.sin_port)}, 0};
    if (address.any.sa_family != AF_INET6) return std::nullopt;
    return Endpoint{to_address(address.v6.sin6_addr), Port{ntohs(address.v6.sin6_port)}, address.v6.sin6_scope_id};
}

} // namespace vpn::system
