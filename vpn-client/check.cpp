#include "vpn-client/check.hpp"

#include "common/config/error.hpp"
#include "common/system/process.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/dns/dns_plan.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/wg_quick_notes.hpp"

#include <algorithm>
#include <iostream>

namespace vpn::client {
namespace {

/// ` without 192.168.0.0/16, 10.0.0.0/8 and 3 more`, those of the first four spelt out.
std::string exclusions(const config::ClientConfig& config) {
    constexpr std::size_t shown = 4;
    const std::vector<Prefix> excluded = all_excluded_ips(config);
    std::string text;
    for (std::size_t i = 0; i < std::min(excluded.size(), shown); ++i)
        text += (i == 0 ? " without " : ", ") + excluded[i].to_string();
    if (excluded.size() > shown) text += " and " + std::to_string(excluded.size() - shown) + " more";
    return text;
}

std::string description(const config::ClientConfig& config) {
    const std::vector<Prefix> allowed_ips = all_allowed_ips(config);
    return std::to_string(config.peers.size()) + (config.peers.size() == 1 ? " peer" : " peers") + ", " +
           std::to_string(allowed_ips.size()) + " of allowed_ips" + exclusions(config) +
           (is_full_tunnel(config) ? ", a full tunnel" : ", a split tunnel") + " on interface " + config.interface.name;
}

} // namespace

system::ExitCode check(const CheckCommand& command) {
    const auto name = parse_connection_name(command.target);
    if (!name) return complain(name.error());
    static_cast<void>(system::protect_memory());
    const auto file = load_connection(*name);
    if (!file) return complain(file.error());
    say_notes(file->notes);
    say_notes(notes_on_hooks(file->hooks, hooks_may_run));
    say_notes(plan_dns(file->config, true).warnings);
    std::cout << config::printable(name->path, 4096) << " is fine: " << description(file->config) << '\n';
    return system::ExitCode::ok;
}

} // namespace vpn::client
