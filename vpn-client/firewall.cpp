#include "vpn-client/firewall.hpp"

#include "vpn-client/network_plan.hpp"
#include "vpn-client/nft_text.hpp"

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

} // namespace

std::string firewall_table_name(std::string_view interface) { return table_name("vpn-client-", interface); }

std::string firewall_commands(const FirewallFacts& facts) {
    const std::string table = "table inet " + firewall_table_name(facts.interface);
    return "add " + table + "\ndelete " + table + "\n" + table + " {\n" + guard_chain(facts) + mark_chain(facts) + "}\n";
}

} // namespace vpn::client
