#include "vpn-client/lock_rules.hpp"

#include "common/base/prefix_difference.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/nft_text.hpp"

#include <array>
#include <utility>

namespace vpn::client {
namespace {

constexpr std::string_view table_start = "vpn-lock-";
/// The set of link-local name servers, each with its interface.
constexpr std::string_view link_resolvers = "link_resolvers";
constexpr std::string_view link_resolvers_type = "type iface_index . ipv6_addr; flags timeout;";

/// How nft calls what differs between the families.
struct Words {
    Family family;
    std::string_view header;  ///< `ip daddr`
    std::string_view address; ///< the type of a set
    std::string_view digit;   ///< at the end of a set's name
};
constexpr std::array words{Words{Family::v4, "ip", "ipv4_addr", "4"}, Words{Family::v6, "ip6", "ipv6_addr", "6"}};

const Words& words_of(Family family) { return words.at(family == Family::v4 ? 0 : 1); }
std::string named(std::string_view start, const Words& of) { return std::string(start) + std::string(of.digit); }
std::string rule(std::string text) { return "\t\t" + std::move(text) + '\n'; }
std::string daddr(const Words& of) { return std::string(of.header) + " daddr "; }

template <class Items> std::string listed_of(const Items& items, const Words& of) {
    return listed(items, [&of](const auto& each) { return each.family() == of.family; });
}

/// For each family that has any of them.
template <class Items, class Rule> std::string rules_for(const Items& items, Rule make) {
    std::string text;
    for (const Words& of : words)
        if (const std::string list = listed_of(items, of); !list.empty()) text += rule(make(of, "{ " + list + " }"));
    return text;
}

std::string set(const std::string& name, const std::string& properties, const std::string& elements) {
    return "\tset " + name + " {\n\t\t" + properties + '\n' + (elements.empty() ? "" : rule("elements = { " + elements + " }")) +
           "\t}\n";
}

std::string element(const Endpoint& endpoint) {
    return endpoint.address.to_string() + " . " + std::to_string(endpoint.port.value);
}

/// Both families' sets of this kind are empty then.
std::string flush_sets(std::string_view connection, std::string_view kind) {
    std::string text;
    for (const Words& of : words) text += "flush set inet " + lock_table_name(connection) + ' ' + named(kind, of) + '\n';
    return text;
}

std::string seconds(Duration time) { return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + "s"; }

class LockWriter {
  public:
    explicit LockWriter(const LockFacts& facts) : facts_(facts) {}

    [[nodiscard]] std::string write() const {
        const std::string table = "table inet " + lock_table_name(facts_.connection);
        return "add " + table + "\ndelete " + table + '\n' + table + " {\n" + sets() + (facts_.full ? full() : split()) + "}\n";
    }

  private:
    [[nodiscard]] std::string sets() const {
        std::string text = set("open", "type nf_proto; flags timeout;", "") +
                           set(std::string(link_resolvers), std::string(link_resolvers_type), "");
        for (const Words& of : words) {
            const std::string address(of.address);
            text += set(named("endpoints", of), "type " + address + " . inet_service;", endpoints(of));
            text += set(named("resolvers", of), "type " + address + "; flags timeout;", "");
            if (!facts_.full)
                text += set(named("inside", of), "type " + address + "; flags interval; auto-merge;",
                            listed_of(facts_.allowed_ips, of));
        }
        return text;
    }
    [[nodiscard]] std::string endpoints(const Words& of) const {
        std::string text;
        for (const Endpoint& each : facts_.endpoints)
            if (each.address.family() == of.family) text += (text.empty() ? "" : ", ") + element(each);
        return text;
    }

    /// What is ours: the tunnel's outer packets, and looking up where they are to go.
    [[nodiscard]] static std::string own_sockets() {
        const std::string ours = "meta mark " + std::to_string(outer_mark.value) + ' ';
        const std::string questions = " meta l4proto { tcp, udp } th dport 53 accept";
        std::string text;
        for (const Words& of : words) {
            text += rule(ours + daddr(of) + ". udp dport @" + named("endpoints", of) + " accept");
            std::string ask = ours + daddr(of);
            ask.append("@").append(named("resolvers", of)).append(questions);
            text += rule(std::move(ask));
        }
        std::string of_links = ours + "oif . ip6 daddr @";
        of_links.append(link_resolvers).append(questions);
        return text + rule(std::move(of_links));
    }
    /// Port 53 to the tunnel's name servers, and, if it has none, to any through the tunnel. Before every exception.
    [[nodiscard]] std::string names() const {
        const std::string question = "meta l4proto { tcp, udp } th dport 53 ";
        const std::string by_tunnel = "oifname " + in_quotes(facts_.interface) + ' ';
        std::string text = rules_for(facts_.dns, [&](const Words& of, const std::string& list) {
            return by_tunnel + daddr(of) + list + ' ' + question + "accept";
        });
        if (facts_.dns.empty()) text += rule(by_tunnel + question + "accept");
        return text + rule(question + "reject with icmpx admin-prohibited");
    }
    [[nodiscard]] std::string local() const {
        return rules_for(facts_.local_networks,
                         [](const Words& of, const std::string& list) { return daddr(of) + list + " accept"; });
    }
    /// What a link needs before it carries anything, and what never leaves it.
    [[nodiscard]] static std::string link() {
        return rule("meta nfproto ipv4 udp sport 68 udp dport 67 accept") +
               rule("udp sport 546 udp dport 547 ip6 daddr { ff02::1:2, fe80::/10 } accept") +
               rule("icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept") +
               rule("icmpv6 type { mld-listener-report, mld2-listener-report, mld-listener-done } ip6 hoplimit 1 accept");
    }
    [[nodiscard]] static std::string rest() { return rule("counter reject with icmpx admin-prohibited"); }
    [[nodiscard]] static std::string chain(std::string_view hook, std::string_view policy, const std::string& rules) {
        const std::string name(hook);
        return "\tchain " + name + " {\n\t\ttype filter hook " + name + " priority filter; policy " + std::string(policy) +
               ";\n" + rule("meta nfproto @open accept") + rules + "\t}\n";
    }

    [[nodiscard]] std::string full() const {
        const std::string tunnel = "oifname " + in_quotes(facts_.interface) + " accept";
        return chain("output", "drop",
                     rule("oifname \"lo\" accept") + own_sockets() + names() + rule(tunnel) + link() + local() + rest()) +
               chain("forward", "drop", names() + rule(tunnel) + rule('i' + tunnel.substr(1)) + local() + rest());
    }

    [[nodiscard]] std::string split() const {
        std::string inside;
        for (const Words& of : words)
            inside += rule(daddr(of) + '@' + named("inside", of) + " counter reject with icmpx admin-prohibited");
        const std::string elsewhere = rule("oifname { \"lo\", " + in_quotes(facts_.interface) + " } accept");
        return chain("output", "accept", elsewhere + own_sockets() + local() + inside) +
               chain("forward", "accept", elsewhere + local() + inside);
    }

    const LockFacts& facts_;
};

} // namespace

LockFacts lock_facts(const config::ClientConfig& config, std::string_view connection, std::vector<Endpoint> endpoints) {
    const std::vector<Prefix> allowed_ips = all_allowed_ips(config);
    std::vector<Prefix> local_networks = config.interface.local_networks;
    // What one peer's list excludes may be another peer's.
    for (const Prefix& prefix : prefix_difference(all_excluded_ips(config), allowed_ips)) local_networks.push_back(prefix);
    return {.connection = std::string(connection),
            .interface = config.interface.name,
            .endpoints = std::move(endpoints),
            .full = is_full_tunnel(config),
            .allowed_ips = allowed_ips,
            .local_networks = std::move(local_networks),
            .dns = config.interface.dns};
}

std::string lock_table_name(std::string_view connection) { return table_name(table_start, connection); }

std::string connection_locked_by(std::string_view table) { return name_in_table(table_start, table); }

std::string lock_commands(const LockFacts& facts) { return LockWriter(facts).write(); }

std::string admit_only_commands(std::string_view connection, const std::vector<Endpoint>& endpoints) {
    std::string text = flush_sets(connection, "endpoints");
    for (const Endpoint& each : endpoints)
        text += "add element inet " + lock_table_name(connection) + ' ' + named("endpoints", words_of(each.address.family())) +
                " { " + element(each) + " }\n";
    return text;
}

std::string pause_commands(std::string_view connection, Duration time) {
    const std::string open = "inet " + lock_table_name(connection) + " open";
    std::string text = "flush set " + open + '\n';
    if (time > Duration::zero())
        text += "add element " + open + " { ipv4 timeout " + seconds(time) + ", ipv6 timeout " + seconds(time) + " }\n";
    return text;
}

std::string admit_resolvers_commands(std::string_view connection, const std::vector<Resolver>& resolvers, Duration time) {
    std::string text = dismiss_resolvers_commands(connection);
    for (const Resolver& each : resolvers) {
        const bool of_link = each.scope != 0;
        text += "add element inet " + lock_table_name(connection) + ' ' +
                (of_link ? std::string(link_resolvers) : named("resolvers", words_of(each.address.family()))) + " { " +
                (of_link ? std::to_string(each.scope) + " . " : "") + each.address.to_string() + " timeout " + seconds(time) +
                " }\n";
    }
    return text;
}

std::string dismiss_resolvers_commands(std::string_view connection) {
    const std::string of_links = "set inet " + lock_table_name(connection) + ' ' + std::string(link_resolvers);
    // A lock that stands may be of a former version, which had no such set.
    return flush_sets(connection, "resolvers") + "add " + of_links + " { " + std::string(link_resolvers_type) + " }\nflush " +
           of_links + '\n';
}

} // namespace vpn::client
