// Whom to ask for names. Refuses to know: what is asked there, and how.
#pragma once

#include "common/base/ip.hpp"

#include <compare>
#include <cstdint>

namespace vpn {

struct Resolver {
    IpAddress address;
    /// The interface of a link-local address, else zero.
    std::uint32_t scope = 0;

    /// An address by itself is one, too.
    Resolver(const IpAddress& its_address, std::uint32_t its_scope = 0) : address(its_address), scope(its_scope) {}
    friend auto operator<=>(const Resolver&, const Resolver&) = default;
};

/// Of IPv6, fe80::/10: it says nothing without an interface.
inline bool is_link_local(const IpAddress& address) {
    const Bytes bytes = address.bytes();
    return !address.is_v4() && bytes[0] == std::byte{0xfe} && (bytes[1] & std::byte{0xc0}) == std::byte{0x80};
}

} // namespace vpn
