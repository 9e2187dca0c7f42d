// What a connection changes on this machine, as pure data: addresses, routes, policy rules, a sysctl, and the firewall's text.
// It is made from the configuration and a few facts, looked at by tests, and then put up by `network`.
// Refuses to know: netlink, nftables, and what is there already. EXPERIENCE, "How it behaves"; THREATS, CVE-2019-14899.
//
// Outer packets must never loop. All carry `outer_mark`. Where a prefix of ours would swallow the way to the endpoint (always in
// a full tunnel), it goes to a table of ours instead of the main one, behind two rules:
//     P      from all lookup main suppress_prefixlength S    what the machine knows better than our prefix goes on as before
//     P+1    not from all fwmark MARK lookup TABLE           all else goes through the tunnel, but for outer packets
// With a lock, a full tunnel has in the first one's place a rule for each local network that the file names:
//     P      to NETWORK lookup main
#pragma once

#include "common/config/client_config.hpp"
#include "common/system/address.hpp"
#include "common/system/route.hpp"
#include "common/system/rule.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace vpn::client {

/// On every outer socket. Not wg-quick's.
inline constexpr Mark outer_mark{0x76706e};
/// So many connections with rules of their own can be up at the same time.
inline constexpr unsigned slots = 16;
/// The table and the first of the two priorities of a slot.
constexpr std::uint32_t table_of(unsigned slot) { return 0x76706e + slot; }
constexpr std::uint32_t priority_of(unsigned slot) { return 29000 + 2 * slot; }

/// What the plan has to know of this machine.
struct NetworkFacts {
    std::uint32_t interface = 0;
    /// Wherever outer packets may go.
    std::vector<IpAddress> endpoints;
    /// The smallest MTU of the links that lead there.
    std::uint32_t outer_mtu = 1500;
    Port listen_port;
    /// The machine speaks IPv6.
    bool ipv6 = true;
    /// Ours alone.
    unsigned slot = 0;
};

struct NetworkPlan {
    std::uint32_t interface = 0;
    std::vector<system::InterfaceAddress> addresses;
    std::uint32_t mtu = 1420;
    std::vector<system::Route> routes;
    /// In the order they are put up; empty where everything fits the main table.
    std::vector<system::Rule> rules;
    /// Reverse-path filters must look at marks (net.ipv4.conf.all.src_valid_mark).
    bool needs_valid_mark = false;
    /// Of the family inet.
    std::string firewall_table;
    std::string firewall_commands;
    /// What was left out, a line each.
    std::vector<std::string> warnings;

    [[nodiscard]] std::uint32_t table() const;
};

/// Requires: a checked configuration whose interface has a name.
NetworkPlan plan_network(const config::ClientConfig& config, const NetworkFacts& facts);

/// Everything of one family goes through the tunnel: a `/0`, or its two halves.
bool is_full_tunnel(const std::vector<Prefix>& allowed_ips, Family family);
bool is_full_tunnel(const std::vector<Prefix>& allowed_ips);

/// Of all peers.
std::vector<Prefix> all_allowed_ips(const config::ClientConfig& config);

} // namespace vpn::client
