#include "vpn-client/firewall.hpp"

#include "vpn-client/network_plan.hpp"
#include "vpn-client/nft_text.hpp"

#include <array>

namespace vpn::client {
namespace {

std::string guard_rule(const FirewallFacts& facts, Family family) {
    const std::string set = listed(facts.addresses, [family](const IpAddress& each) { return each.family() == family; });
    if (set.empty()) return {};
    return std::string("\t\t") + (family == Family::v4 ? "ip" : "ip6") + " daddr { " + set + " } drop\n";
}

std::string guard_chain(const FirewallFacts& facts) {
    return "\tchain guard {\n"
           "\t\ttype filter hook prerouting priority raw; policy accept;\n"
           "\t\tiifname { \"lo\", " +
           in_quotes(facts.interface) + " } accept\n" + guard_rule(facts, Family::v4) + guard_rule(facts, Family::v6) + "\t}\n";
}

std::string mark_chain(const FirewallFacts& facts) {
    if (!facts.marked_port) return {};
    return "\tchain outer {\n"
           "\t\ttype filter hook prerouting priority mangle; policy accept;\n"
           "\t\tiifname != " +
           in_quotes(facts.interface) + " fib daddr type local udp dport " + std::to_string(facts.marked_port->value) +
           " meta mark set " + std::to_string(outer_mark.value) + "\n\t}\n";
}

/// Each a chain and what it matches: what comes out of the tunnel, and what goes in.
struct Way {
    std::string_view chain;
    std::string_view hook;
    std::string_view match;
};
constexpr std::array ways{Way{"segments_in", "prerouting", "iifname "}, Way{"segments_out", "postrouting", "oifname "}};

/// Lowers only: nft leaves a smaller segment size as it is.
std::vector<std::string> segment_rules(const Way& way, std::string_view interface, std::uint32_t largest_packet) {
    const auto rule = [&](std::string_view protocol, std::uint32_t headers) {
        return std::string(way.match) + in_quotes(interface) + " meta nfproto " + std::string(protocol) +
               " tcp flags & (syn | rst) == syn tcp option maxseg size set " + std::to_string(largest_packet - headers);
    };
    return {rule("ipv4", 40), rule("ipv6", 60)};
}

std::string segment_chains(const FirewallFacts& facts) {
    std::string text;
    for (const Way& way : ways) {
        text += "\tchain " + std::string(way.chain) + " {\n\t\ttype filter hook " + std::string(way.hook) +
                " priority mangle; policy accept;\n";
        for (const std::string& rule : segment_rules(way, facts.interface, facts.largest_packet)) text += "\t\t" + rule + '\n';
        text += "\t}\n";
    }
    return text;
}

} // namespace

std::string firewall_table_name(std::string_view interface) { return table_name("vpn-client-", interface); }

std::string firewall_commands(const FirewallFacts& facts) {
    const std::string table = "table inet " + firewall_table_name(facts.interface);
    return "add " + table + "\ndelete " + table + "\n" + table + " {\n" + guard_chain(facts) + mark_chain(facts) +
           segment_chains(facts) + "}\n";
}

std::string segment_commands(std::string_view interface, std::uint32_t largest_packet) {
    const std::string table = " inet " + firewall_table_name(interface) + ' ';
    std::string text;
    for (const Way& way : ways) {
        const std::string chain = table + std::string(way.chain);
        text += "flush chain" + chain + '\n';
        for (const std::string& rule : segment_rules(way, interface, largest_packet))
            text.append("add rule").append(chain).append(" ").append(rule).append("\n");
    }
    return text;
}

} // namespace vpn::client
