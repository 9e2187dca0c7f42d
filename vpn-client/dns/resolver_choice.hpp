// Whom to ask for names past the tunnel: a decision from what stands on this machine. Pure.
// - First those of the network that it is in now, a few: anybody there may have announced them. They are asked for names of
//   servers alone, and an answer only moves packets that are authenticated.
// - Behind them those from before connecting.
// - Never what a connection of ours has put in place, however it did that, and nobody on this machine itself while there is
//   anybody else: who listens here asks through the tunnel.
// Refuses to know: files, buses, and who is asked what.
#pragma once

#include "common/base/resolver.hpp"
#include "common/system/link.hpp"
#include "vpn-client/dns/dns_journal.hpp"
#include "vpn-client/dns/resolv_conf.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

/// What stands at a path, or would, were it not for our connections.
struct Beneath {
    SavedFile file;
    /// Lines that somebody has written behind ours.
    std::string added;
};

/// What each of our texts covers, until it is none of ours. Journals of connections that crashed count.
Beneath beneath_ours(SavedFile found, const std::vector<DnsJournal>& journals);

/// A resolvconf knows a VPN by this name, ours or another: its name servers answer inside.
[[nodiscard]] bool is_record_of_vpn(std::string_view record);

/// Of a VPN, ours or another, whose name servers are inside.
[[nodiscard]] bool is_tunnel(const system::Link& link);

/// As they can be asked on a machine with these links. A link-local one whose interface is none of them, or a tunnel, is left
/// out.
std::vector<Resolver> reachable_by(const std::vector<system::Link>& links, const std::vector<ResolvConf::Server>& servers);

/// A name server that systemd-resolved has, and the link that it belongs to.
struct LinkServer {
    IpAddress server;
    /// Zero: it belongs to none, but was named for the whole machine.
    std::uint32_t link = 0;
    friend bool operator==(const LinkServer&, const LinkServer&) = default;
};

/// Those of the links named, and behind them the whole machine's, but `ours`: systemd-resolved takes what an /etc/resolv.conf of
/// ours names for that.
std::vector<Resolver> servers_of_links(const std::vector<LinkServer>& servers, const std::vector<std::uint32_t>& links,
                                       const std::vector<IpAddress>& ours);

/// `tunnels`: the connection's own, of which no network may make us believe that they are outside. At least one. A link-local
/// one without its interface is nobody.
std::vector<Resolver> choose_resolvers(const std::vector<Resolver>& present, const std::vector<Resolver>& before,
                                       const std::vector<IpAddress>& tunnels);

} // namespace vpn::client
