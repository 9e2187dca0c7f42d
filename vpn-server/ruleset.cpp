#include "vpn-server/ruleset.hpp"

#include <algorithm>
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
    /// What IP and TCP take of a packet without options.
    std::uint16_t headers;
};
constexpr FamilyWords families[] = {{Family::v4, "ipv4", "ip", 40}, {Family::v6, "ipv6", "ip6", 60}};

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
        chain("prerouting", "filter hook prerouting priority raw", [this] { prerouting(); });
        chain("input", "filter hook input priority filter", [this] { input(); });
        chain("clamp", "filter hook forward priority mangle", [this] { clamp(); });
        chain("forward", "filter hook forward priority filter", [this] { forward(); });
        if (config_.nat.mode != Nat::Mode::off)
            chain("postrouting", "nat hook postrouting priority srcnat", [this] { postrouting(); });
        return text_ + "}\n";
    }

  private:
    template <class Body> void chain(std::string_view name, std::string_view hook, Body body) {
        text_.append("    chain ").append(name).append(" {\n        type ").append(hook).append("; policy accept;\n");
        body();
        text_ += "    }\n";
    }
    void rule(const std::string& words) { text_ += "        " + words + '\n'; }
    [[nodiscard]] std::string from_tunnel() const { return "iifname " + tunnel_; }
    [[nodiscard]] std::string to_tunnel() const { return "oifname " + tunnel_; }

    /// Inner addresses are believed only inside: who knocks at ours from elsewhere, or leaves the tunnel under another's name,
    /// is not answered.
    void prerouting() {
        const std::vector<Prefix> hosts = own_hosts(config_);
        const std::vector<Prefix> believed = sources(config_);
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
        if (config_.nat.mode == Nat::Mode::off) return;
        // Behind the masquerade nobody is reached who did not call first.
        for (const FamilyWords& words : families)
            if (const auto hidden = disjoint(config_.networks, words.family); !hidden.empty())
                rule("iifname != " + tunnel_ + ' ' + to_tunnel() + ' ' + std::string(words.address) + " daddr " + braced(hidden) +
                     " ct state { new, invalid } drop");
    }

    void postrouting() {
        for (const FamilyWords& words : families)
            if (const auto hidden = disjoint(config_.networks, words.family); !hidden.empty())
                rule(way_out(words.family) + ' ' + std::string(words.address) + " saddr " + braced(hidden) +
                     " masquerade fully-random");
    }
    [[nodiscard]] std::string way_out(Family family) const {
        if (config_.nat.mode == Nat::Mode::interface) return "oifname " + quoted(config_.nat.interface);
        const std::string& uplink = family == Family::v4 ? uplinks_.v4 : uplinks_.v6;
        return uplink.empty() ? "oifname != { " + tunnel_ + ", \"lo\" }" : "oifname " + quoted(uplink);
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

std::string ruleset(const ServerConfig& config, const Uplinks& uplinks, std::uint16_t mtu) {
    return Text(config, uplinks, mtu).take();
}

} // namespace vpn::server
