// The server's firewall as text for nftables: masquerade, MSS clamp, what peers may reach, how many connections they may have,
// and who may pose as them.
// THREATS: CVE-2019-14899, port shadow, spoofed inner source, peer to peer, the server's own services, conntrack exhaustion.
// Refuses to know: how rules get into the kernel, and which interface leads where; it is told.
#pragma once

#include "common/config/server_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace vpn::server {

/// The interfaces of the default routes; empty where there is none.
struct Uplinks {
    std::string v4;
    std::string v6;
    friend bool operator==(const Uplinks&, const Uplinks&) = default;
};

inline constexpr std::string_view table_family = "inet";

/// The table's name, an identifier of nft's. Different interfaces have different ones.
std::string table_name(std::string_view interface);

/// Under "auto", global IPv6 addresses are routed here by somebody and stay what they are; all others are hidden.
bool is_hidden(const config::ServerConfig& config, const Prefix& network);

/// The interface by which packets of peers leave; empty where none is known.
const std::string& way_out(const config::ServerConfig& config, const Uplinks& uplinks, Family family);

/// The set of the table whose elements count what was dropped of an address that has too many connections.
std::string_view over_connections_set(Family family);

/// Commands that make the table, whatever stood there before. `mtu` is the tunnel's.
std::string ruleset(const config::ServerConfig& config, const Uplinks& uplinks, std::uint16_t mtu);

} // namespace vpn::server
