// Who keeps this machine's resolvers, and so whom a connection has to tell: a decision from facts. Pure.
// - systemd-resolved, if it runs: each link has servers and domains of its own.
// - If programs that read /etc/resolv.conf don't come to it, that file too: by the program that makes it (openresolv or Debian's
//   resolvconf), else by putting our own in its place.
// Debian's resolvconf can't keep the servers of others out of the file: through a full tunnel our own file takes its place.
#pragma once

#include "vpn-client/dns/dns_plan.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace vpn::client {

enum class ResolvconfKind : std::uint8_t {
    none,       ///< not there, or resolvectl under that name
    openresolv, ///< knows exclusive interfaces
    other,      ///< Debian's own
};

struct ResolverFacts {
    /// systemd-resolved answers on the bus.
    bool resolved = false;
    ResolvconfKind resolvconf = ResolvconfKind::none;
    /// Where /etc/resolv.conf leads, all links followed; itself if it is none.
    std::string target;
    /// What can be read there.
    std::string text;
};

enum class FileKeeper : std::uint8_t { nobody, resolvconf, us };

struct DnsChoice {
    bool resolved = false;
    FileKeeper file = FileKeeper::nobody;

    friend bool operator==(const DnsChoice&, const DnsChoice&) = default;
};

DnsChoice choose_dns(const DnsPlan& plan, const ResolverFacts& facts);

/// `systemd-resolved`, `resolvconf`, `resolv.conf`, or two of them.
std::string name_of(const DnsChoice& choice);

} // namespace vpn::client
