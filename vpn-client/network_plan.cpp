#include "vpn-client/network_plan.hpp"

#include "common/protocol/message.hpp"
#include "vpn-client/firewall.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace vpn::client {
namespace {

constexpr std::uint32_t udp_header = 8;
/// Whoever has not thought about MTUs has an interface made for this.
constexpr std::uint32_t usual_path_mtu = 1500;
constexpr std::uint32_t smallest_mtu = 576;
constexpr std::uint32_t smallest_mtu_for_ipv6 = 1280;
/// Jumbo frames less what goes around them: a loopback endpoint is no reason for packets of 64 KiB.
constexpr std::uint32_t largest_mtu = 8920;
constexpr std::uint32_t default_ipv6_metric = 1024;

bool contains_any(const Prefix& prefix, const std::vector<IpAddress>& addresses) {
    return std::ranges::any_of(addresses, [&prefix](const IpAddress& address) { return prefix.contains(address); });
}

/// The first bit is all that the halves of everything differ in.
bool is_everything_or_half(const Prefix& prefix) { return prefix.bits() <= 1; }

/// The largest of a packet to any peer.
std::uint32_t overhead(const config::ClientConfig& config, const NetworkFacts& facts) {
    const bool v4_alone = !facts.endpoints.empty() && std::ranges::all_of(facts.endpoints, &IpAddress::is_v4);
    std::uint32_t largest = 0;
    for (const config::ClientPeer& peer : config.peers)
        largest = std::max(largest, outer_overhead(v4_alone ? Family::v4 : Family::v6, peer.suite));
    return largest;
}

class Planner {
  public:
    Planner(const config::ClientConfig& config, const NetworkFacts& facts)
        : config_(config), facts_(facts), allowed_ips_(all_allowed_ips(config)) {}

    NetworkPlan make() {
        plan_.interface = facts_.interface;
        plan_addresses();
        if (config_.interface.routes)
            for (const Family family : {Family::v4, Family::v6}) plan_routes(family);
        plan_.outer_mtu = facts_.outer_mtu;
        plan_mtu();
        plan_.needs_valid_mark =
            std::ranges::any_of(plan_.rules, [](const system::Rule& rule) { return rule.family == Family::v4; });
        plan_firewall();
        return std::move(plan_);
    }

  private:
    void plan_addresses() {
        bool left_out = false;
        for (const Prefix& prefix : config_.interface.addresses) {
            if (!speaks(prefix.family())) {
                left_out = true;
                continue;
            }
            ipv6_inside_ = ipv6_inside_ || prefix.family() == Family::v6;
            // The kernel's route to the rest of that network would swallow the way to the endpoint.
            const bool prefix_route = !contains_any(prefix.network(), facts_.endpoints);
            plan_.addresses.push_back({facts_.interface, prefix, prefix_route});
            if (prefix_route) routed_by_address_.insert(prefix.network());
        }
        if (left_out)
            plan_.warnings.emplace_back(
                "warning: IPv6 is switched off on this machine: the tunnel's IPv6 addresses are left out");
    }

    void plan_routes(Family family) {
        std::vector<Prefix> prefixes;
        std::ranges::copy_if(allowed_ips_, std::back_inserter(prefixes),
                             [family](const Prefix& p) { return p.family() == family; });
        if (prefixes.empty()) return;
        if (!speaks(family)) {
            plan_.warnings.emplace_back("warning: IPv6 is switched off on this machine: allowed_ips of IPv6 get no routes");
            return;
        }
        const bool full = is_full_tunnel(prefixes, family);
        std::uint32_t suppressed = 128;
        bool rules = false;
        for (const Prefix& prefix : prefixes) {
            const bool everything = full && is_everything_or_half(prefix);
            const bool behind_rules = everything || contains_any(prefix, facts_.endpoints);
            add_route(prefix, behind_rules ? table_of(facts_.slot) : system::main_table);
            if (!behind_rules) continue;
            rules = true;
            suppressed = std::min<std::uint32_t>(suppressed, everything ? 0 : prefix.bits());
        }
        if (!rules) return;
        if (config_.interface.lock && full)
            add_rules_for_local_networks(family);
        else
            add_rule_main_first(family, suppressed);
        add_rule_then_ours(family);
    }

    void add_route(const Prefix& prefix, std::uint32_t table) {
        if (table == system::main_table && routed_by_address_.contains(prefix)) return;
        plan_.routes.push_back({.destination = prefix,
                                .table = table,
                                .interface = facts_.interface,
                                .gateway = std::nullopt,
                                .metric = prefix.family() == Family::v6 ? default_ipv6_metric : 0,
                                .preferred_source = std::nullopt});
    }

    /// At the first of the two priorities.
    system::Rule first_rule(Family family) const {
        system::Rule rule;
        rule.family = family;
        rule.priority = priority_of(facts_.slot);
        rule.table = system::main_table;
        return rule;
    }

    void add_rule_main_first(Family family, std::uint32_t suppressed) {
        system::Rule rule = first_rule(family);
        rule.suppress_prefix_length = suppressed;
        plan_.rules.push_back(rule);
    }

    /// Nothing else in the main table outranks a tunnel with a lock: who gives addresses to this machine also gives it routes.
    void add_rules_for_local_networks(Family family) {
        for (const Prefix& network : config_.interface.local_networks) {
            if (network.family() != family) continue;
            system::Rule rule = first_rule(family);
            rule.destination = network;
            plan_.rules.push_back(rule);
        }
    }

    void add_rule_then_ours(Family family) {
        system::Rule rule = first_rule(family);
        rule.priority += 1;
        rule.table = table_of(facts_.slot);
        rule.mark = system::MarkMatch{outer_mark};
        rule.inverted = true;
        plan_.rules.push_back(rule);
    }

    void plan_mtu() {
        plan_.overhead = overhead(config_, facts_);
        plan_.smallest_mtu = ipv6_inside_ ? smallest_mtu_for_ipv6 : smallest_mtu;
        plan_.mtu_is_auto = !config_.interface.mtu;
        plan_.mtu = plan_.mtu_is_auto ? interface_mtu(plan_, facts_.outer_mtu) : *config_.interface.mtu;
    }

    void plan_firewall() {
        FirewallFacts facts;
        facts.interface = config_.interface.name;
        for (const auto& address : plan_.addresses) facts.addresses.push_back(address.prefix.address());
        if (!plan_.rules.empty()) facts.marked_port = facts_.listen_port;
        facts.largest_packet = plan_.mtu;
        plan_.firewall_table = firewall_table_name(config_.interface.name);
        plan_.firewall_commands = firewall_commands(facts);
    }

    [[nodiscard]] bool speaks(Family family) const { return family == Family::v4 || facts_.ipv6; }

    const config::ClientConfig& config_;
    const NetworkFacts& facts_;
    std::vector<Prefix> allowed_ips_;
    std::set<Prefix> routed_by_address_;
    bool ipv6_inside_ = false;
    NetworkPlan plan_;
};

} // namespace

std::uint32_t NetworkPlan::table() const {
    for (const system::Rule& rule : rules)
        if (rule.table != system::main_table) return rule.table;
    return system::main_table;
}

std::vector<Prefix> all_allowed_ips(const config::ClientConfig& config) {
    std::vector<Prefix> all;
    for (const config::ClientPeer& peer : config.peers) all.insert(all.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
    return all;
}

std::vector<Prefix> all_excluded_ips(const config::ClientConfig& config) {
    std::vector<Prefix> all;
    for (const config::ClientPeer& peer : config.peers)
        for (const Prefix& prefix : config::prefixes_of(peer.written_ips, true)) all.push_back(prefix);
    return all;
}

bool is_full_tunnel(const std::vector<Prefix>& allowed_ips, Family family) {
    bool lower = false;
    bool upper = false;
    for (const Prefix& prefix : allowed_ips) {
        if (prefix.family() != family || !is_everything_or_half(prefix)) continue;
        const bool starts_at_zero = prefix.network().address().is_unspecified();
        lower = lower || starts_at_zero;
        upper = upper || !starts_at_zero || prefix.bits() == 0;
    }
    return lower && upper;
}

bool is_full_tunnel(const std::vector<Prefix>& allowed_ips) {
    return is_full_tunnel(allowed_ips, Family::v4) || is_full_tunnel(allowed_ips, Family::v6);
}

bool is_full_tunnel(const config::ClientConfig& config, Family family) {
    std::vector<Prefix> listed;
    for (const config::ClientPeer& peer : config.peers)
        for (const Prefix& prefix : peer.written_ips.empty() ? peer.allowed_ips : config::prefixes_of(peer.written_ips, false))
            listed.push_back(prefix);
    return is_full_tunnel(listed, family);
}

bool is_full_tunnel(const config::ClientConfig& config) {
    return is_full_tunnel(config, Family::v4) || is_full_tunnel(config, Family::v6);
}

std::uint32_t outer_overhead(Family family, crypto::Suite suite) {
    return (family == Family::v4 ? 20 : 40) + udp_header + static_cast<std::uint32_t>(protocol::data_overhead(suite));
}

std::uint32_t interface_mtu(const NetworkPlan& plan, std::uint32_t path_mtu) {
    return std::clamp(path_mtu > plan.overhead ? path_mtu - plan.overhead : 0, plan.smallest_mtu, largest_mtu);
}

std::uint32_t largest_whole_packet(const NetworkPlan& plan, std::uint32_t path_mtu) {
    constexpr std::uint32_t padding_multiple = 16;
    const std::uint32_t room = std::min(path_mtu - plan.overhead, interface_mtu(plan, path_mtu));
    return path_mtu < usual_path_mtu ? room - room % padding_multiple : room;
}

NetworkPlan plan_network(const config::ClientConfig& config, const NetworkFacts& facts) { return Planner(config, facts).make(); }

NetworkPlan plan_apart(const config::ClientConfig& config, const NetworkFacts& facts) {
    NetworkPlan plan = plan_network(config, facts);
    plan.apart = true;
    for (system::Route& route : plan.routes) route.table = system::main_table;
    plan.rules.clear();
    plan.needs_valid_mark = false;
    plan.firewall_table.clear();
    plan.firewall_commands.clear();
    return plan;
}

} // namespace vpn::client
