// The server's firewall as text for nftables: masquerade, MSS clamp, what peers may reach, and who may pose as them.
// THREATS: CVE-2019-14899, port shadow, spoofed inner source, peer to peer, the server's own services.
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

/// Commands that make the table, whatever stood there before. `mtu` is the tunnel's.
std::string ruleset(const config::ServerConfig& config, const Uplinks& uplinks, std::uint16_t mtu);

} // namespace vpn::server
