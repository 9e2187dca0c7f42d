// The firewall's part of a connection, as nft's text. Pure.
// - Whoever sends to the tunnel's own address from outside the tunnel is not heard (CVE-2019-14899: he would learn from our
// answers
//   which address it is, and then meddle with what runs through it).
// - What comes to our outer socket gets the mark that what leaves it has, so that a strict reverse-path filter asks for the way
//   back as our socket would, and not through the tunnel.
// - TCP through the tunnel, forwarded too, is told both ways of segments that pass whole: a path that swallows what is larger in
//   silence, or that carries less than the interface may have, costs no connection.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/strong.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

struct FirewallFacts {
    std::string interface;
    /// The tunnel's own.
    std::vector<IpAddress> addresses;
    /// Our outer socket's, where policy rules look at marks.
    std::optional<Port> marked_port;
    /// The largest inner packet that the way carries in one piece.
    std::uint32_t largest_packet = 1420;
};

/// Of the family inet, and no one else's: `vpn-client-NAME`.
std::string firewall_table_name(std::string_view interface);

/// Makes the table in one transaction, whatever is left of a former one.
std::string firewall_commands(const FirewallFacts& facts);

/// Changes `largest_packet` in the table that is there, in one transaction.
std::string segment_commands(std::string_view interface, std::uint32_t largest_packet);

} // namespace vpn::client
