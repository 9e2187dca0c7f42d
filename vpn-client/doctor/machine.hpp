// From facts about this machine to what is wrong with it, whatever connection is meant: clock, leftovers, other VPNs, networks
// that overlap, programs that manage our interface, reverse-path filters. Pure.
// Refuses to know: where the facts come from (look_around).
#pragma once

#include "common/base/time.hpp"
#include "common/system/address.hpp"
#include "common/system/link.hpp"
#include "common/system/route.hpp"
#include "common/system/rule.hpp"
#include "vpn-client/doctor/finding.hpp"
#include "vpn-client/journal.hpp"

#include <optional>
#include <string>
#include <vector>

namespace vpn::client::checks {

/// `last` is when this machine last greeted the server, by its own clock then. The server's clock is never told to us.
Finding judge_clock(Wall now, std::optional<Wall> last);

struct Leftovers {
    /// Of connections whose process is gone.
    std::vector<std::string> crashed;
    /// Connections that run no more, and whose name servers this machine still asks.
    std::vector<std::string> dns;
    /// Shut, with no process behind them.
    std::vector<std::string> idle_locks;
    std::vector<Journal> running;
    std::vector<system::Rule> rules;
};
Findings judge_leftovers(const Leftovers& facts);

/// Links, addresses, routes and rules as they are.
struct NetworkView {
    std::vector<system::Link> links;
    std::vector<system::InterfaceAddress> addresses;
    std::vector<system::Route> routes;
    std::vector<system::Rule> rules;
    /// The interfaces of our own connections.
    std::vector<std::string> ours;
};
/// Interfaces of other tunnels that take a default route.
Findings judge_other_vpns(const NetworkView& view);

/// `inside` are the tunnel's own addresses.
Findings judge_overlaps(const NetworkView& view, const std::vector<Prefix>& allowed_ips, const std::vector<Prefix>& inside);

/// NetworkManager or systemd-networkd.
struct Manager {
    std::string program;
    bool runs = false;
    /// What it says of our interface; none if there is no such interface, or it says nothing.
    std::optional<bool> manages;
    /// A file of its configuration that speaks of our interface and does not say to leave it alone; may be empty.
    std::string claimed_by;
};
Finding judge_manager(const Manager& manager, const std::string& interface);

struct ReversePath {
    /// Through which outer packets leave.
    std::string interface;
    /// The stricter of `all` and the interface's own: 1 is strict.
    int filter = 0;
    bool valid_mark = false;
    /// Our rules stand: answers come back where the unmarked way does not lead.
    bool rules_stand = false;
};
Finding judge_reverse_path(const ReversePath& facts);

} // namespace vpn::client::checks
