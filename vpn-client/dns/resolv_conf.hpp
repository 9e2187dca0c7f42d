// The text of /etc/resolv.conf (resolv.conf(5)): what it says, and what it says while a connection is up. Pure.
#pragma once

#include "common/base/ip.hpp"
#include "vpn-client/dns/dns_plan.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

struct ResolvConf {
    struct Server {
        IpAddress address;
        std::string zone; ///< an interface's name or number, behind a `%`; empty: none
        friend bool operator==(const Server&, const Server&) = default;
    };
    std::vector<Server> servers;
    /// The last `search` or `domain` line counts.
    std::vector<std::string> search;
    /// Lines of `options` and `sortlist`, as they stand.
    std::vector<std::string> settings;
};

/// What nobody understands is passed over, as the C library does.
ResolvConf parse_resolv_conf(std::string_view text);

/// The text for a connection called `name`, where `before` stood before. Through a full tunnel nobody but our servers is asked;
/// else those from before come behind ours. No more servers than the C library reads.
std::string format_resolv_conf(const DnsPlan& plan, std::string_view name, const ResolvConf& before);

/// All its servers are systemd-resolved itself, on 127.0.0.53.
[[nodiscard]] bool asks_resolved(const ResolvConf& conf);

/// It says of itself that a program called resolvconf made it.
[[nodiscard]] bool is_made_by_resolvconf(std::string_view text);

} // namespace vpn::client
