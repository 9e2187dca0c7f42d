#include "vpn-client/dns/dns_plan.hpp"

#include "vpn-client/network_plan.hpp"

#include <algorithm>

namespace vpn::client {
namespace {

constexpr std::string_view every_name = "~.";

std::string without_last_dot(std::string domain) {
    if (domain.ends_with('.')) domain.pop_back();
    return domain;
}

void plan_servers(DnsPlan& plan, const std::vector<IpAddress>& servers, const std::vector<Prefix>& allowed_ips, bool ipv6) {
    for (const IpAddress& server : servers) {
        const bool inside = std::ranges::any_of(allowed_ips, [&server](const Prefix& prefix) { return prefix.contains(server); });
        if (!inside)
            plan.warnings.push_back(
                "warning: the name server " + server.to_string() +
                " is in no peer's allowed_ips, so it is not asked: its answers would not come through the tunnel");
        else if (server.family() == Family::v6 && !ipv6)
            plan.warnings.push_back("warning: IPv6 is switched off on this machine: the name server " + server.to_string() +
                                    " is not asked");
        else
            plan.servers.push_back(server);
    }
}

void plan_domains(DnsPlan& plan, const std::vector<std::string>& domains) {
    for (const std::string& domain : domains) {
        if (domain == every_name)
            plan.every_name = true;
        else if (domain.starts_with('~'))
            plan.routed.push_back(without_last_dot(domain.substr(1)));
        else
            plan.search.push_back(without_last_dot(domain));
    }
}

} // namespace

DnsPlan plan_dns(const config::ClientConfig& config, bool ipv6) {
    const config::ClientInterface& interface = config.interface;
    const std::vector<Prefix> allowed_ips = all_allowed_ips(config);
    DnsPlan plan;
    plan_servers(plan, interface.dns, allowed_ips, ipv6);
    if (plan.servers.empty()) {
        if (interface.dns.empty() && !interface.dns_domains.empty())
            plan.warnings.emplace_back("warning: dns names domains and no name server to ask: it changes nothing");
        return plan;
    }
    plan_domains(plan, interface.dns_domains);
    plan.full_tunnel = is_full_tunnel(config);
    plan.every_name = plan.every_name || plan.full_tunnel || interface.dns_domains.empty();
    return plan;
}

DnsPlan plan_dns_apart(const config::ClientConfig& config) {
    DnsPlan plan = plan_dns(config, true);
    plan.every_name = !plan.empty();
    return plan;
}

} // namespace vpn::client
