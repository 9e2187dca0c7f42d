// The firewall's part of a connection, as nft's text. Pure.
// - Whoever sends to the tunnel's own address from outside the tunnel is not heard (CVE-2019-14899: he would learn from our
// answers
//   which address it is, and then meddle with what runs through it).
// - What comes to our outer socket gets the mark that what leaves it has, so that a strict reverse-path filter asks for the way
//   back as our socket would, and not through the tunnel.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/strong.hpp"

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
};

/// Of the family inet, and no one else's: `vpn-client-NAME`.
std::string firewall_table_name(std::string_view interface);

/// Makes the table in one transaction, whatever is left of a former one.
std::string firewall_commands(const FirewallFacts& facts);

} // namespace vpn::client
