// What other firewalls on the machine keep from peers, and the exceptions that let it through: rules of ours in chains that those
// firewalls leave to their owner (Docker's DOCKER-USER, ufw's ufw-user-forward), or else the command that its owner has to give.
// An exception is for forwarded packets alone, between the tunnel and the interface that leads to the internet: the server's own
// ports are opened by nobody but their owner, who may have shut them on purpose.
// Refuses to know: how rules get into the kernel.
#pragma once

#include "common/config/server_config.hpp"
#include "vpn-server/foreign_table.hpp"
#include "vpn-server/ruleset.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::server {

/// Rules of ours in somebody else's chain.
struct Exception {
    TableName table;
    std::string chain;
    std::vector<std::string> rules; ///< in nft's words
    /// `ip filter DOCKER-USER`
    [[nodiscard]] std::string place() const { return table.text() + ' ' + chain; }
    friend bool operator==(const Exception&, const Exception&) = default;
};

/// What another firewall drops although it is ours.
struct Obstacle {
    std::string firewall; ///< docker, ufw, firewalld, iptables or nftables
    std::string chain;    ///< `ip filter FORWARD`
    std::string traffic;  ///< `from peers to eth0`, `51820/udp`
    std::string command;  ///< lets it through
    friend bool operator==(const Obstacle&, const Obstacle&) = default;
};

/// What is said of other firewalls.
struct OtherFirewalls {
    std::vector<std::string> exceptions; ///< places of ours
    std::vector<Obstacle> obstacles;
    std::string trouble; ///< why they could not be looked at, or changed; else empty
    friend bool operator==(const OtherFirewalls&, const OtherFirewalls&) = default;
};

/// The comment that our rules carry there. Different interfaces have different ones.
inline std::string exception_mark(std::string_view interface) { return table_name(interface); }

/// None where nothing is in peers' way, or the configuration wants none.
std::vector<Exception> plan_exceptions(const config::ServerConfig& config, const Uplinks& uplinks,
                                       std::span<const ForeignTable> tables);

/// Commands of one transaction: what carries our mark goes, and `wanted` comes, behind what stands there but before a last rule
/// that returns. Empty: there is nothing to do.
std::string exception_commands(std::string_view mark, std::span<const ForeignTable> tables, std::span<const Exception> wanted);

/// What is dropped, exceptions that stand counted in, and those that are `coming` too.
std::vector<Obstacle> find_obstacles(const config::ServerConfig& config, const Uplinks& uplinks,
                                     std::span<const ForeignTable> tables, std::span<const Exception> coming = {});

} // namespace vpn::server
