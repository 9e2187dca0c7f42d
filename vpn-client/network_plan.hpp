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
    /// What goes around a packet at most, and the least that the interface may have.
    std::uint32_t overhead = 80;
    std::uint32_t smallest_mtu = 1280;
    /// The file leaves it to us.
    bool mtu_is_auto = true;
    /// Of the link that leads to the peers.
    std::uint32_t outer_mtu = 1500;
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
    /// For a network namespace where the tunnel is the only way out.
    bool apart = false;

    [[nodiscard]] std::uint32_t table() const;
};

/// What goes around an inner packet on its way to an endpoint of this family.
std::uint32_t outer_overhead(Family family, crypto::Suite suite);

/// What the interface gets where the way to the endpoint carries `path_mtu` whole.
std::uint32_t interface_mtu(const NetworkPlan& plan, std::uint32_t path_mtu);
/// The largest packet that such a way carries in one piece, both ways: less than the interface has where that may not go so low,
/// and where the other side, whose interface has more, pads what it sends.
/// Requires: path_mtu > plan.overhead.
std::uint32_t largest_whole_packet(const NetworkPlan& plan, std::uint32_t path_mtu);

/// Requires: a checked configuration whose interface has a name.
NetworkPlan plan_network(const config::ClientConfig& config, const NetworkFacts& facts);

/// For a network namespace of one program: nothing but the tunnel leads out, so that every route fits the main table, and nobody
/// else's packets come by to be kept off. Requires: the same.
NetworkPlan plan_apart(const config::ClientConfig& config, const NetworkFacts& facts);

/// Everything of one family goes through the tunnel: a `/0`, or its two halves.
bool is_full_tunnel(const std::vector<Prefix>& allowed_ips, Family family);
bool is_full_tunnel(const std::vector<Prefix>& allowed_ips);
/// The same by what the file lists, whatever it then takes out by `!`.
bool is_full_tunnel(const config::ClientConfig& config, Family family);
bool is_full_tunnel(const config::ClientConfig& config);

/// Of all peers.
std::vector<Prefix> all_allowed_ips(const config::ClientConfig& config);
/// What their lists take out again.
std::vector<Prefix> all_excluded_ips(const config::ClientConfig& config);

} // namespace vpn::client
