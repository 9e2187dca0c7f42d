// Rules in tables of iptables's must be such as iptables can read: it gives up on a table that holds another, and so would Docker
// and ufw, which call it. Interfaces, addresses, counters and comments it knows; `ct state` in nft's form it does not. So the
// way back is open to whatever goes to the peers' networks, and our own table lets through what was asked for.
#include "vpn-server/exception_plan.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace vpn::server {
namespace {

using config::HostService;
using config::ServerConfig;

/// Chains that a firewall leaves to its owner.
constexpr std::array<std::string_view, 3> owners_chains{"DOCKER-USER", "ufw-user-forward", "ufw6-user-forward"};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

/// A packet of ours, and what it is called.
struct Way {
    Probe probe;
    std::string traffic;
};

/// What comes back, its addresses as they are once more.
Way answer_to(const Way& way) {
    return {{.family = way.probe.family,
             .in = way.probe.out,
             .out = way.probe.in,
             .destinations = way.probe.sources,
             .state = "established"},
            "answers to peers from " + way.probe.out};
}

class Ways {
  public:
    Ways(const ServerConfig& config, const Uplinks& uplinks)
        : config_(config), uplinks_(uplinks), tunnel_(config.interface.name) {}

    /// Those of peers' packets that are forwarded.
    [[nodiscard]] std::vector<Way> forwarded(Family family) const {
        std::vector<Way> ways;
        const std::vector<Prefix> sources = networks(family);
        if (sources.empty()) return ways;
        if (const std::string& out = way_out(config_, uplinks_, family); !out.empty())
            ways.push_back({{.family = family, .in = tunnel_, .out = out, .sources = sources}, "from peers to " + out});
        if (!config_.isolate_peers)
            ways.push_back({{.family = family, .in = tunnel_, .out = tunnel_, .sources = sources}, "from peer to peer"});
        return ways;
    }
    /// Those to the server itself.
    [[nodiscard]] std::vector<Way> inward(Family family) const {
        std::vector<Way> ways;
        const Port port = config_.interface.listen_port;
        if (const std::string& in = family == Family::v4 ? uplinks_.v4 : uplinks_.v6; !in.empty())
            ways.push_back(
                {{.hook = Probe::Hook::input, .family = family, .in = in, .state = "untracked", .protocol = "udp", .port = port},
                 std::to_string(port.value) + "/udp"});
        const std::vector<Prefix> sources = networks(family);
        for (const HostService& service : config_.host_services) {
            if (sources.empty() || service.protocol == HostService::Protocol::any) continue;
            ways.push_back({{.hook = Probe::Hook::input,
                             .family = family,
                             .in = tunnel_,
                             .sources = sources,
                             .protocol = service.protocol == HostService::Protocol::tcp ? "tcp" : "udp",
                             .port = service.port},
                            service.to_string() + " from peers"});
        }
        return ways;
    }
    [[nodiscard]] std::vector<Prefix> networks(Family family) const {
        std::vector<Prefix> found;
        std::ranges::copy_if(config_.networks, std::back_inserter(found),
                             [&](const Prefix& network) { return network.family() == family; });
        return found;
    }

  private:
    const ServerConfig& config_;
    const Uplinks& uplinks_;
    std::string tunnel_;
};

/// The first of an owner's chains that packets come through; empty if there is none.
std::string owners_chain(const std::vector<std::string>& through) {
    const auto found = std::ranges::find_first_of(through, owners_chains);
    return found != through.end() ? *found : std::string();
}

std::vector<std::string> rules_for(const std::vector<Way>& ways, const std::vector<Prefix>& networks, Family family) {
    const std::string to = family == Family::v4 ? "ip daddr " : "ip6 daddr ";
    std::vector<std::string> rules;
    for (const auto& [probe, traffic] : ways) {
        rules.push_back("iifname " + quoted(probe.in) + " oifname " + quoted(probe.out));
        if (probe.in == probe.out) continue;
        for (const Prefix& network : networks)
            rules.push_back("iifname " + quoted(probe.out) + " oifname " + quoted(probe.in) + ' ' + to + network.to_string());
    }
    return rules;
}

// --- what to say -------------------------------------------------------------------------------------------------------------

std::string_view firewall_of(const ForeignTable& table, const Passage& passage) {
    const auto through = [&](auto test) { return std::ranges::any_of(passage.through, test); };
    if (through([](std::string_view chain) { return chain == "DOCKER-USER"; })) return "docker";
    if (through([](std::string_view chain) { return chain.starts_with("ufw"); })) return "ufw";
    if (table.name().name == "firewalld") return "firewalld";
    const bool iptables = table.name().name == "filter" && (passage.dropped_in == "FORWARD" || passage.dropped_in == "INPUT");
    return iptables && table.name().family != "inet" ? "iptables" : "nftables";
}

/// The words of iptables's or nft's, to each of which a start and an end belong.
std::string both_ways(const std::string& start, const std::string& out, const std::string& back, const std::string& end) {
    return start + out + end + " && " + start + back + end;
}

std::string with_iptables(const Probe& probe, const TableName& table, const std::string& chain) {
    const std::string usual = probe.family == Family::v4 ? "iptables" : "ip6tables";
    const std::string start = (table.is_legacy() ? table.family : usual) + " -I " + chain;
    const std::string end = " -j ACCEPT";
    if (probe.hook == Probe::Hook::input)
        return start + " -i " + probe.in + " -p " + probe.protocol + " --dport " + std::to_string(probe.port.value) + end;
    if (probe.in == probe.out) return start + " -i " + probe.in + " -o " + probe.out + end;
    const std::string there = " -i " + probe.in + " -o " + probe.out;
    const std::string back = " -i " + probe.out + " -o " + probe.in;
    const std::string answers = " -m conntrack --ctstate ESTABLISHED,RELATED";
    if (probe.state == "established") return start + there + answers + end;
    return both_ways(start, there, back + answers, end);
}

std::string with_nft(const Probe& probe, const TableName& table, const std::string& chain) {
    const std::string start = "nft 'insert rule " + table.text() + ' ' + chain;
    const std::string end = " accept'";
    const std::string in = " iifname " + quoted(probe.in);
    if (probe.hook == Probe::Hook::input)
        return start + in + ' ' + probe.protocol + " dport " + std::to_string(probe.port.value) + end;
    if (probe.in == probe.out) return start + in + " oifname " + quoted(probe.out) + end;
    return both_ways(start, in + " oifname " + quoted(probe.out),
                     " iifname " + quoted(probe.out) + " oifname " + quoted(probe.in) + " ct state established,related", end);
}

std::string with_ufw(const Probe& probe, const std::string& tunnel) {
    const std::string port = std::to_string(probe.port.value);
    if (probe.hook == Probe::Hook::forward) return "ufw route allow in on " + probe.in + " out on " + probe.out;
    if (probe.in == tunnel) return "ufw allow in on " + tunnel + " to any port " + port + " proto " + probe.protocol;
    return "ufw allow " + port + '/' + probe.protocol;
}

/// `--zone=NAME ` of what comes through firewalld's chains: each zone has one of its name.
std::string zone_option(const std::vector<std::string>& through) {
    constexpr std::string_view chain = "filter_IN_";
    for (const std::string& name : through)
        if (name.starts_with(chain) && !name.starts_with("filter_IN_policy_")) return "--zone=" + name.substr(chain.size()) + ' ';
    return {};
}

std::string with_firewalld(const Probe& probe, const std::vector<std::string>& through, const std::string& tunnel) {
    const bool to_port = probe.hook == Probe::Hook::input && probe.in != tunnel;
    const std::string what = to_port
                                 ? zone_option(through) + "--add-port=" + std::to_string(probe.port.value) + '/' + probe.protocol
                                 : "--zone=trusted --add-interface=" + tunnel;
    return "firewall-cmd --permanent " + what + " && firewall-cmd --reload";
}

Obstacle obstacle(const ForeignTable& table, const Passage& passage, const Way& way, const std::string& tunnel) {
    const std::string_view firewall = firewall_of(table, passage);
    Obstacle result{std::string(firewall), table.name().text() + ' ' + passage.dropped_in, way.traffic, {}};
    // Of answers the firewalls' own words know nothing: they would let in what nobody asked for.
    const bool is_answer = way.probe.state == "established";
    if (firewall == "docker")
        result.command = with_iptables(way.probe, table.name(), "DOCKER-USER");
    else if (firewall == "iptables" || is_answer)
        result.command = with_iptables(way.probe, table.name(), passage.dropped_in);
    else if (firewall == "ufw")
        result.command = with_ufw(way.probe, tunnel);
    else if (firewall == "firewalld")
        result.command = with_firewalld(way.probe, passage.through, tunnel);
    else
        result.command = with_nft(way.probe, table.name(), passage.dropped_in);
    return result;
}

} // namespace

std::vector<Exception> plan_exceptions(const ServerConfig& config, const Uplinks& uplinks, std::span<const ForeignTable> tables) {
    std::vector<Exception> wanted;
    if (!config.firewall_exceptions) return wanted;
    const Ways all(config, uplinks);
    const std::string mark = exception_mark(config.interface.name);
    for (const ForeignTable& table : tables) {
        for (const Family family : {Family::v4, Family::v6}) {
            // An exception is written in the words of one family, as the tables of iptables's are.
            if (table.name().family != (family == Family::v4 ? "ip" : "ip6")) continue;
            const std::vector<Way> ways = all.forwarded(family);
            for (const Way& way : ways) {
                const Passage passage = table.passage(way.probe, mark);
                std::string chain = passage.dropped_in.empty() ? std::string() : owners_chain(passage.through);
                if (chain.empty()) continue;
                wanted.push_back({table.name(), std::move(chain), rules_for(ways, all.networks(family), family)});
                break;
            }
        }
    }
    return wanted;
}

std::string exception_commands(std::string_view mark, std::span<const ForeignTable> tables, std::span<const Exception> wanted) {
    std::string commands;
    for (const ForeignTable& table : tables)
        for (const MarkedRule& rule : table.marked(mark))
            commands += "delete rule " + table.name().text() + ' ' + rule.chain + " handle " + std::to_string(rule.handle) + '\n';
    for (const Exception& exception : wanted) {
        const auto table = std::ranges::find(tables, exception.table, &ForeignTable::name);
        const std::int64_t last = table != tables.end() ? table->final_return(exception.chain) : 0;
        const std::string before =
            last != 0 ? "insert rule " + exception.place() + " handle " + std::to_string(last) : "add rule " + exception.place();
        const std::string behind = " counter accept comment " + quoted(mark) + '\n';
        for (const std::string& rule : exception.rules) commands.append(before).append(" ").append(rule).append(behind);
    }
    return commands;
}

std::vector<Obstacle> find_obstacles(const ServerConfig& config, const Uplinks& uplinks, std::span<const ForeignTable> tables,
                                     std::span<const Exception> coming) {
    const Ways all(config, uplinks);
    std::vector<Obstacle> obstacles;
    const auto gets_through = [&](const ForeignTable& table, const Way& way) {
        const Passage passage = table.passage(way.probe);
        if (passage.dropped_in.empty()) return true;
        Obstacle found = obstacle(table, passage, way, config.interface.name);
        // One command may be for both families.
        const auto same = [&](const Obstacle& other) { return other.command == found.command && other.traffic == found.traffic; };
        if (std::ranges::none_of(obstacles, same)) obstacles.push_back(std::move(found));
        return false;
    };
    for (const ForeignTable& table : tables)
        for (const Family family : {Family::v4, Family::v6}) {
            if (!table.sees(family)) continue;
            const bool is_coming = std::ranges::find(coming, table.name(), &Exception::table) != coming.end();
            for (const Way& way : all.forwarded(family)) {
                if (!is_coming && !gets_through(table, way)) continue; // what opens the way out opens that back too
                // In nft's list iptables's condition on the connection is opaque.
                if (table.name().is_legacy() && way.probe.in != way.probe.out) gets_through(table, answer_to(way));
            }
            for (const Way& way : all.inward(family)) gets_through(table, way);
        }
    return obstacles;
}

} // namespace vpn::server
