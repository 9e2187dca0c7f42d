#include "vpn-server/ruleset.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

namespace vpn::server {
namespace {

using config::HostService;
using config::Nat;
using config::ServerConfig;

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

/// The words of nft's that differ between the families.
struct FamilyWords {
    Family family;
    std::string_view protocol;
    std::string_view address;
    std::string_view type;
    /// Sets of the table: whose connections are counted, whose were too many, and who may open none just now.
    std::string_view counted;
    std::string_view over;
    std::string_view barred;
    /// What IP and TCP take of a packet without options.
    std::uint16_t headers;
};
constexpr FamilyWords families[] = {{Family::v4, "ipv4", "ip", "ipv4_addr", "connections4", "over4", "barred4", 40},
                                    {Family::v6, "ipv6", "ip6", "ipv6_addr", "connections6", "over6", "barred6", 60}};

/// Addresses whose connections are counted: more than a server can have peers.
constexpr std::uint32_t most_counted = 262'144;
/// And of those who have too many just now: whoever finds no room is counted for every packet, and dropped all the same. The
/// kernel looks through such a set each second.
constexpr std::uint32_t most_barred = 4096;
/// How long nobody counts again the connections of who had too many. For that the kernel looks each of them up: thousands, for
/// every packet of a flood.
constexpr std::string_view barred_for = "timeout 1s";

/// Those of one family, without any that lies in another: nft wants no overlaps.
std::vector<Prefix> disjoint(std::vector<Prefix> prefixes, Family family) {
    std::erase_if(prefixes, [&](const Prefix& prefix) { return prefix.family() != family; });
    for (Prefix& prefix : prefixes) prefix = prefix.network();
    std::sort(prefixes.begin(), prefixes.end()); // by address, then the wider first
    std::vector<Prefix> kept;
    for (const Prefix& prefix : prefixes)
        if (kept.empty() || !kept.back().overlaps(prefix)) kept.push_back(prefix);
    return kept;
}

std::string braced(const std::vector<Prefix>& prefixes) {
    std::string text = "{ ";
    for (const Prefix& prefix : prefixes) text += (&prefix == &prefixes.front() ? "" : ", ") + prefix.to_string();
    return text + " }";
}

/// Where peers' packets may say they come from.
std::vector<Prefix> sources(const ServerConfig& config) {
    std::vector<Prefix> all = config.networks;
    for (const config::ServerPeer& peer : config.peers)
        if (!peer.disabled) all.insert(all.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
    return all;
}

struct NetworkBehind {
    Prefix network;
    std::size_t peer; ///< its place in the file
};

/// The narrowest first.
std::vector<NetworkBehind> networks_behind(const ServerConfig& config, Family family) {
    std::vector<NetworkBehind> networks;
    for (std::size_t i = 0; i < config.peers.size(); ++i)
        for (const Prefix& network : config.peers[i].allowed_ips)
            if (!config.peers[i].disabled && network.family() == family) networks.push_back({network, i});
    std::ranges::stable_sort(networks, std::greater(), [](const NetworkBehind& behind) { return behind.network.bits(); });
    return networks;
}

/// Peers' own addresses that lie in one of the networks, which don't overlap and are in order.
std::vector<Prefix> addresses_within(const ServerConfig& config, const std::vector<Prefix>& networks) {
    std::vector<Prefix> addresses;
    const auto within = [&](const Prefix& address) {
        const auto next = std::ranges::upper_bound(networks, address.network());
        return next != networks.begin() && std::prev(next)->overlaps(address);
    };
    for (const config::ServerPeer& peer : config.peers)
        if (!peer.disabled) std::ranges::copy_if(peer.addresses, std::back_inserter(addresses), within);
    return addresses;
}

/// Ports for what peers send by UDP, none of them the server's own: the wider side of it, and nothing below 1024.
std::string ports_beside(Port listen) {
    constexpr unsigned first = 1024;
    constexpr unsigned last = 65535;
    const unsigned own = listen.value;
    const bool below = own > first && own - first >= last - own;
    const unsigned from = below || own < first ? first : own + 1;
    return std::to_string(from) + '-' + std::to_string(below ? own - 1 : last);
}

std::vector<Prefix> own_hosts(const ServerConfig& config) {
    std::vector<Prefix> hosts;
    for (const Prefix& address : config.interface.addresses) hosts.emplace_back(address.address(), address.address().width());
    return hosts;
}

class Text {
  public:
    Text(const ServerConfig& config, const Uplinks& uplinks, std::uint16_t mtu)
        : config_(config), uplinks_(uplinks), mtu_(mtu), tunnel_(quoted(config.interface.name)) {}

    std::string take() {
        const std::string table = std::string(table_family) + ' ' + table_name(config_.interface.name);
        text_ = "add table " + table + "\ndelete table " + table + "\ntable " + table + " {\n";
        if (config_.max_connections != 0) connections();
        chain("prerouting", "filter hook prerouting priority raw", [this] { prerouting(); });
        chain("output", "filter hook output priority raw", [this] { rule("udp sport " + listen_port() + " notrack"); });
        chain("input", "filter hook input priority filter", [this] { input(); });
        chain("clamp", "filter hook forward priority mangle", [this] { clamp(); });
        chain("forward", "filter hook forward priority filter", [this] { forward(); });
        if (config_.nat.mode != Nat::Mode::off)
            chain("postrouting", "nat hook postrouting priority srcnat", [this] { postrouting(); });
        return text_ + "}\n";
    }

  private:
    template <class Body> void chain(std::string_view name, std::string_view hook, Body body) {
        called(name, [&] {
            text_.append("        type ").append(hook).append("; policy accept;\n");
            body();
        });
    }
    /// A chain that others lead to.
    template <class Body> void called(std::string_view name, Body body) {
        text_.append("    chain ").append(name).append(" {\n");
        body();
        text_ += "    }\n";
    }
    void set(std::string_view name, std::string_view type, std::uint32_t size, std::string_view flags) {
        text_.append("    set ").append(name).append(" { type ").append(type).append("; size ").append(std::to_string(size));
        text_.append("; flags ").append(flags).append("; }\n");
    }
    void rule(const std::string& words) { text_ += "        " + words + '\n'; }
    [[nodiscard]] std::string from_tunnel() const { return "iifname " + tunnel_; }
    [[nodiscard]] std::string to_tunnel() const { return "oifname " + tunnel_; }
    [[nodiscard]] std::string listen_port() const { return std::to_string(config_.interface.listen_port.value); }

    /// Each address has so many, and all that lies behind one peer together as many, or a network would be no cap.
    void connections() {
        for (const FamilyWords& words : families) {
            for (const std::string_view name : {words.counted, words.over}) set(name, words.type, most_counted, "dynamic");
            set(words.barred, words.type, most_barred, "dynamic, timeout");
        }
        called("too-many", [this] {
            for (const FamilyWords& words : families)
                rule("update @" + std::string(words.over) + " { " + saddr(words) + " counter }");
            rule("drop");
        });
        const std::string over = "ct count over " + std::to_string(config_.max_connections);
        called("each-full", [this] {
            for (const FamilyWords& words : families) bar(words.barred, saddr(words));
            rule("goto too-many");
        });
        called("each", [&] {
            for (const FamilyWords& words : families) {
                rule(saddr(words) + " @" + std::string(words.barred) + " goto too-many");
                rule("add @" + std::string(words.counted) + " { " + saddr(words) + ' ' + over + " } goto each-full");
            }
        });
        for (std::size_t i = 0; i < config_.peers.size(); ++i)
            if (const config::ServerPeer& peer = config_.peers[i]; !peer.disabled && !peer.allowed_ips.empty())
                all_behind(i, over);
        called("cap", [this] { cap(); });
    }
    void all_behind(std::size_t peer, const std::string& over) {
        const std::string behind = behind_chain(peer);
        const std::string barred = behind + "-barred";
        constexpr std::string_view each_family = "meta nfproto";
        // Of two families, and of those whose time is over until they are collected.
        set(barred, "nf_proto", 32, "dynamic, timeout; gc-interval 10s");
        called(behind + "-full", [&] {
            bar(barred, each_family);
            rule("goto too-many");
        });
        called(behind, [&] {
            rule(std::string(each_family) + " @" + barred + " goto too-many");
            rule(over + " goto " + behind + "-full");
        });
    }
    void bar(std::string_view set, std::string_view what) {
        rule("add @" + std::string(set) + " { " + std::string(what) + ' ' + std::string(barred_for) + " }");
    }
    static std::string saddr(const FamilyWords& words) { return std::string(words.address) + " saddr"; }
    static std::string behind_chain(std::size_t peer) { return "behind-" + std::to_string(peer); }
    void cap() {
        for (const FamilyWords& words : families) {
            const std::string source = saddr(words) + ' ';
            const auto behind = networks_behind(config_, words.family);
            if (behind.empty()) continue;
            std::vector<Prefix> networks;
            networks.reserve(behind.size());
            for (const NetworkBehind& one : behind) networks.push_back(one.network);
            const auto apart = disjoint(networks, words.family);
            if (const auto single = disjoint(addresses_within(config_, apart), words.family); !single.empty())
                rule(source + braced(single) + " goto each");
            if (apart.size() == behind.size() && apart.front().bits() != 0) {
                std::string map;
                for (const NetworkBehind& one : behind)
                    map.append(map.empty() ? "" : ", ")
                        .append(one.network.to_string())
                        .append(" : goto ")
                        .append(behind_chain(one.peer));
                std::string by_network = source;
                rule(by_network.append("vmap { ").append(map).append(" }"));
                continue;
            }
            for (const auto& [network, peer] : behind) {
                const bool all = network.bits() == 0;
                rule((all ? "meta nfproto " + std::string(words.protocol) : source + network.to_string()) + " goto " +
                     behind_chain(peer));
            }
        }
        rule("goto each");
    }
    void count_new() {
        if (config_.max_connections != 0) rule(from_tunnel() + " ct state new jump cap");
    }

    /// Inner addresses are believed only inside: who knocks at ours from elsewhere, or leaves the tunnel under another's name,
    /// is not answered.
    void prerouting() {
        const std::vector<Prefix> hosts = own_hosts(config_);
        const std::vector<Prefix> believed = sources(config_);
        // What conntrack never saw, no peer's connection can stand in the way of (CVE-2021-3773).
        rule("iifname != " + tunnel_ + " udp dport " + listen_port() + " fib daddr type local notrack");
        for (const FamilyWords& words : families) {
            const std::string ip(words.address);
            if (const auto ours = disjoint(hosts, words.family); !ours.empty())
                rule("iifname != { " + tunnel_ + ", \"lo\" } " + ip + " daddr " + braced(ours) + " drop");
            const auto theirs = disjoint(believed, words.family);
            if (theirs.empty()) {
                rule(from_tunnel() + " meta nfproto " + std::string(words.protocol) + " drop");
            } else if (theirs.front().bits() != 0) {
                rule(from_tunnel() + ' ' + ip + " saddr != " + braced(theirs) + " drop");
            }
        }
    }

    void input() {
        const std::string here = from_tunnel() + ' ';
        rule(here + "ct state { established, related } accept");
        count_new();
        rule(here + "icmp type echo-request accept");
        rule(here + "icmpv6 type echo-request accept");
        for (const HostService& service : config_.host_services) rule(here + accepted(service));
        rule(here + "reject with icmpx type admin-prohibited");
    }
    static std::string accepted(const HostService& service) {
        if (service.protocol == HostService::Protocol::any) return "accept";
        const std::string protocol = service.protocol == HostService::Protocol::tcp ? "tcp" : "udp";
        return protocol + " dport " + std::to_string(service.port.value) + " accept";
    }

    /// Lowers only: nft leaves a smaller MSS as it is.
    void clamp() {
        for (const std::string& way : {from_tunnel(), to_tunnel()})
            for (const FamilyWords& words : families)
                rule(way + " meta nfproto " + std::string(words.protocol) +
                     " tcp flags & (syn | rst) == syn tcp option maxseg size set " + std::to_string(mtu_ - words.headers));
    }

    void forward() {
        if (config_.isolate_peers) rule(from_tunnel() + ' ' + to_tunnel() + " reject with icmpx type admin-prohibited");
        count_new();
        if (config_.nat.mode == Nat::Mode::off) return;
        // Behind the masquerade nobody is reached who did not call first.
        for (const FamilyWords& words : families)
            if (const auto hidden = disjoint(config_.networks, words.family); !hidden.empty())
                rule("iifname != " + tunnel_ + ' ' + to_tunnel() + ' ' + std::string(words.address) + " daddr " + braced(hidden) +
                     " ct state { new, invalid } drop");
    }

    void postrouting() {
        std::vector<Prefix> networks = config_.networks;
        std::erase_if(networks, [this](const Prefix& network) { return !is_hidden(config_, network); });
        for (const FamilyWords& words : families) {
            const auto hidden = disjoint(networks, words.family);
            if (hidden.empty()) continue;
            const std::string packets = out(words.family) + ' ' + std::string(words.address) + " saddr " + braced(hidden);
            rule(packets + " meta l4proto udp masquerade to :" + ports_beside(config_.interface.listen_port) + " fully-random");
            rule(packets + " masquerade fully-random");
        }
    }
    [[nodiscard]] std::string out(Family family) const {
        const std::string& interface = way_out(config_, uplinks_, family);
        return interface.empty() ? "oifname != { " + tunnel_ + ", \"lo\" }" : "oifname " + quoted(interface);
    }

    const ServerConfig& config_;
    const Uplinks& uplinks_;
    std::uint16_t mtu_;
    std::string tunnel_;
    std::string text_;
};

} // namespace

std::string table_name(std::string_view interface) {
    std::string name = "vpn-server-";
    for (const char c : interface) {
        switch (c) {
        case '_': name += "__"; break;
        case '=': name += "_e"; break;
        case '+': name += "_p"; break;
        default: name += c;
        }
    }
    return name;
}

bool is_hidden(const ServerConfig& config, const Prefix& network) {
    static const Prefix global = *Prefix::parse("2000::/3");
    if (config.nat.mode == Nat::Mode::off) return false;
    return config.nat.mode == Nat::Mode::interface || !global.contains(network.address());
}

const std::string& way_out(const ServerConfig& config, const Uplinks& uplinks, Family family) {
    if (config.nat.mode == Nat::Mode::interface) return config.nat.interface;
    return family == Family::v4 ? uplinks.v4 : uplinks.v6;
}

std::string_view over_connections_set(Family family) { return families[family == Family::v4 ? 0 : 1].over; }

std::string ruleset(const ServerConfig& config, const Uplinks& uplinks, std::uint16_t mtu) {
    return Text(config, uplinks, mtu).take();
}

} // namespace vpn::server
