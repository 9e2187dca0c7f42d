// The lock (kill switch) as nft's text: what may leave this machine while a connection with a lock is up, has crashed, or is to
// come up again. Pure. EXPERIENCE, "How it behaves"; THREATS: TunnelVision, TunnelCrack, DNS and IPv6 leaks, reconnect window.
// - Full tunnel: nothing leaves but by the tunnel, by our own socket to the endpoint (mark and port, never a route), DHCP,
//   neighbour discovery, and what goes to local networks that the file names or excludes. Forwarded packets likewise.
// - Split tunnel: what belongs in the tunnel leaves by no other way; all else is as it was.
// - A pause is a set whose elements the kernel itself takes out again: it ends even if nobody of ours is alive.
// Refuses to know: what is up, and when.
#pragma once

#include "common/base/resolver.hpp"
#include "common/base/time.hpp"
#include "common/config/client_config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

struct LockFacts {
    /// The connection's name and its interface's.
    std::string connection;
    std::string interface;
    /// Wherever outer packets may go.
    std::vector<Endpoint> endpoints;
    /// Everything is to be kept in, but for what the file excludes.
    bool full = false;
    /// What is to be kept in else.
    std::vector<Prefix> allowed_ips;
    /// Open to everybody, though not for port 53: those that the file names, and those that it takes out of allowed_ips.
    std::vector<Prefix> local_networks;
    /// The tunnel's. If there are any, port 53 goes to them alone.
    std::vector<IpAddress> dns;
};

LockFacts lock_facts(const config::ClientConfig& config, std::string_view connection, std::vector<Endpoint> endpoints);

/// Of the family inet, and no one else's: `vpn-lock-NAME`.
std::string lock_table_name(std::string_view connection);
/// The connection whose lock has a table of this name; empty if it is none.
std::string connection_locked_by(std::string_view table);

/// Makes the table in one transaction, in place of a former one: there is no moment without it.
std::string lock_commands(const LockFacts& facts);
/// Lets outer packets go to these endpoints, and to no others any more, in one transaction.
std::string admit_only_commands(std::string_view connection, const std::vector<Endpoint>& endpoints);
/// Lets everything pass for so long; zero shuts it at once.
std::string pause_commands(std::string_view connection, Duration time);
/// Lets our own marked sockets ask these name servers for so long, a link-local one by its interface, and no others.
std::string admit_resolvers_commands(std::string_view connection, const std::vector<Resolver>& resolvers, Duration time);
/// And no longer.
std::string dismiss_resolvers_commands(std::string_view connection);

} // namespace vpn::client
