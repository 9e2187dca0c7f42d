// Who answers a connection's questions for names, as pure data: made from the configuration, looked at by tests, and then applied
// by `dns`. Refuses to know: who keeps this machine's resolvers. EXPERIENCE, "How it behaves"; THREATS, "DNS leak".
//
// - A full tunnel takes every question.
// - A split tunnel takes those for its domains; one that names no domains takes every question too, for its servers would be
//   asked nothing at all.
// - A name server that is behind no peer is left out: its answers would not come through the tunnel.
#pragma once

#include "common/base/ip.hpp"
#include "common/config/client_config.hpp"

#include <string>
#include <vector>

namespace vpn::client {

struct DnsPlan {
    /// The first is asked first. Empty: nothing is changed.
    std::vector<IpAddress> servers;
    /// Names without a dot are looked for in these, and names in these are asked of our servers.
    std::vector<std::string> search;
    /// Names in these are asked of our servers, too.
    std::vector<std::string> routed;
    /// Every name is asked of our servers.
    bool every_name = false;
    /// ... and none of anybody else: all there is goes through the tunnel.
    bool full_tunnel = false;
    /// What was left out, a line each.
    std::vector<std::string> warnings;

    [[nodiscard]] bool empty() const { return servers.empty(); }
    friend bool operator==(const DnsPlan&, const DnsPlan&) = default;
};

/// `ipv6`: the machine speaks it.
DnsPlan plan_dns(const config::ClientConfig& config, bool ipv6);

/// For the namespaces of one program: every name is asked of these servers, for there are no others.
DnsPlan plan_dns_apart(const config::ClientConfig& config);

} // namespace vpn::client
