// A chain of the owner's begins behind an entry whose target is ERROR and bears its name; one of a hook's where the hook says,
// and ends with its policy. A jump is the offset of the entry that it leads to.
#include "vpn-server/legacy_table.hpp"

#include "vpn-server/legacy_entry.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <optional>

namespace vpn::server {
namespace {

using config::Json;
using system::Xtable;

bool all_are(Bytes bytes, std::byte value) {
    return std::ranges::all_of(bytes, [value](std::byte one) { return one == value; });
}

// --- saying it in nft's words ------------------------------------------------------------------------------------------------

Json one(const char* key, Json value) { return Json::object({{key, std::move(value)}}); }

Json match(Json left, bool inverted, Json right) {
    return one("match", Json::object({{"op", inverted ? "!=" : "=="}, {"left", std::move(left)}, {"right", std::move(right)}}));
}
/// Holds perhaps.
Json opaque(std::string name) { return one("xt", Json::object({{"type", "match"}, {"name", std::move(name)}})); }

Json meta(const char* key) { return one("meta", Json::object({{"key", key}})); }
Json payload(const char* protocol, const char* field) {
    return one("payload", Json::object({{"protocol", protocol}, {"field", field}}));
}

void add_interface(Json& rule, const char* key, Bytes name, Bytes mask, bool inverted) {
    const auto compared = static_cast<std::size_t>(std::ranges::find(mask, std::byte{0}) - mask.begin());
    if (all_are(mask, std::byte{0}) && !inverted) return;
    // With the zero behind it, or only the beginning; what stands there instead of the rest, a plus sign perhaps, is nothing.
    const std::string text = text_in(name.first(compared));
    const bool whole = text.size() + 1 == compared;
    const bool understood = !text.empty() && (whole || text.size() == compared) &&
                            all_are(mask.first(compared), std::byte{0xff}) && all_are(mask.subspan(compared), std::byte{0});
    // An asterisk stands for more in nft's words.
    if (!understood || text.find('*') != std::string::npos)
        rule.push(opaque("interface"));
    else
        rule.push(match(meta(key), inverted, whole ? text : text + '*'));
}

/// Nothing: the mask is no prefix's, or the address has bits outside it and is nobody's.
std::optional<Prefix> prefix_of(Bytes address, Bytes mask) {
    unsigned bits = 0;
    bool over = false;
    for (const std::byte each : mask) {
        const auto value = std::to_integer<std::uint8_t>(each);
        const auto ones = static_cast<unsigned>(std::countl_one(value));
        if (std::popcount(value) != static_cast<int>(ones) || (over && ones > 0)) return std::nullopt;
        over = ones < 8;
        bits += ones;
    }
    const Prefix prefix(address.size() == 4 ? IpAddress::v4(address.first<4>()) : IpAddress::v6(address.first<16>()), bits);
    if (prefix != prefix.network()) return std::nullopt;
    return prefix;
}

void add_address(Json& rule, const char* field, Bytes address, Bytes mask, bool inverted) {
    if (all_are(mask, std::byte{0}) && !inverted) return;
    const auto prefix = prefix_of(address, mask);
    if (!prefix || prefix->bits() == 0)
        rule.push(opaque("address"));
    else
        rule.push(match(payload(address.size() == 4 ? "ip" : "ip6", field), inverted, prefix->to_string()));
}

Json protocol_name(std::uint16_t protocol) {
    if (protocol == IPPROTO_TCP) return "tcp";
    if (protocol == IPPROTO_UDP) return "udp";
    return protocol;
}

void add_condition(Json& rule, const LegacyCondition& condition) {
    const auto inverted = [&](unsigned flag) { return (condition.inverted & flag) != 0; };
    add_interface(rule, "iifname", condition.in, condition.in_mask, inverted(IPT_INV_VIA_IN));
    add_interface(rule, "oifname", condition.out, condition.out_mask, inverted(IPT_INV_VIA_OUT));
    add_address(rule, "saddr", condition.source, condition.source_mask, inverted(IPT_INV_SRCIP));
    add_address(rule, "daddr", condition.destination, condition.destination_mask, inverted(IPT_INV_DSTIP));
    if (condition.protocol != 0) rule.push(match(meta("l4proto"), inverted(IPT_INV_PROTO), protocol_name(condition.protocol)));
    if (condition.fragments) rule.push(opaque("fragments"));
}

// --- the matches that have words ---------------------------------------------------------------------------------------------

constexpr std::uint16_t last_port = 65535;

Json range(std::uint16_t first, std::uint16_t last) { return one("range", Json::array({first, last})); }
bool is_any(const std::uint16_t (&ports)[2]) { return ports[0] == 0 && ports[1] == last_port; }

std::optional<Json> udp(Bytes data) {
    const auto ports = taken<xt_udp>(data);
    if (!ports || !is_any(ports->spts) || (ports->invflags & ~XT_UDP_INV_DSTPT) != 0) return std::nullopt;
    return match(payload("udp", "dport"), (ports->invflags & XT_UDP_INV_DSTPT) != 0, range(ports->dpts[0], ports->dpts[1]));
}

std::optional<Json> tcp(Bytes data) {
    const auto ports = taken<xt_tcp>(data);
    if (!ports || !is_any(ports->spts) || ports->option != 0 || ports->flg_mask != 0) return std::nullopt;
    if ((ports->invflags & ~XT_TCP_INV_DSTPT) != 0) return std::nullopt;
    return match(payload("tcp", "dport"), (ports->invflags & XT_TCP_INV_DSTPT) != 0, range(ports->dpts[0], ports->dpts[1]));
}

std::optional<Json> multiport(Bytes data) {
    const auto ports = taken<xt_multiport_v1>(data);
    if (!ports || ports->flags != XT_MULTIPORT_DESTINATION || ports->count > XT_MULTI_PORTS) return std::nullopt;
    Json list = Json::array();
    for (std::size_t i = 0; i < ports->count; ++i) {
        const bool starts_range = ports->pflags[i] != 0 && i + 1 < ports->count;
        list.push(range(ports->ports[i], ports->ports[starts_range ? i + 1 : i]));
        if (starts_range) ++i;
    }
    return match(payload("th", "dport"), ports->invert != 0, std::move(list));
}

/// Revisions 2 and 3 begin alike.
std::optional<Json> conntrack(Bytes data) {
    const auto info = taken<xt_conntrack_mtinfo2>(data);
    if (!info || (info->match_flags & ~unsigned{XT_CONNTRACK_STATE_ALIAS}) != XT_CONNTRACK_STATE) return std::nullopt;
    struct State {
        unsigned bit;
        const char* name;
    };
    constexpr std::array states{
        State{XT_CONNTRACK_STATE_INVALID, "invalid"}, State{XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED), "established"},
        State{XT_CONNTRACK_STATE_BIT(IP_CT_RELATED), "related"}, State{XT_CONNTRACK_STATE_BIT(IP_CT_NEW), "new"},
        State{XT_CONNTRACK_STATE_UNTRACKED, "untracked"}};
    unsigned left = info->state_mask;
    Json list = Json::array();
    for (const State& state : states) {
        if ((left & state.bit) == 0) continue;
        list.push(state.name);
        left &= ~state.bit;
    }
    const bool inverted = (info->invert_flags & XT_CONNTRACK_STATE) != 0;
    if (left != 0 && inverted) return std::nullopt; // neither SNAT nor DNAT: who knows?
    return match(one("ct", Json::object({{"key", "state"}})), inverted, std::move(list));
}

std::optional<Json> match_in_words(const LegacyMatch& match) {
    if (match.name == "udp" && match.revision == 0) return udp(match.data);
    if (match.name == "tcp" && match.revision == 0) return tcp(match.data);
    if (match.name == "multiport" && match.revision == 1) return multiport(match.data);
    if (match.name == "conntrack" && (match.revision == 2 || match.revision == 3)) return conntrack(match.data);
    return std::nullopt;
}

void add_matches(Json& rule, const std::vector<LegacyMatch>& matches) {
    for (const LegacyMatch& match : matches) {
        auto words = match_in_words(match);
        rule.push(words ? std::move(*words) : opaque(match.name));
    }
}

// --- the whole table ---------------------------------------------------------------------------------------------------------

struct Hook {
    unsigned number;
    const char* chain;
    const char* name; ///< in nft's words
};
/// Nobody asks what happens at the others.
constexpr std::array hooks{Hook{NF_INET_LOCAL_IN, "INPUT", "input"}, Hook{NF_INET_FORWARD, "FORWARD", "forward"}};

class Translation {
  public:
    explicit Translation(const Xtable& table) : table_(table) {}

    /// The items of the list; nothing if the table is not such as the kernel makes.
    std::optional<Json> take() {
        auto entries = legacy_entries(table_.family, table_.entries);
        if (!entries) return std::nullopt;
        entries_ = std::move(*entries);
        if (!read_chains()) return std::nullopt;
        std::string chain;
        for (const LegacyEntry& entry : entries_) {
            if (const auto begun = chains_.find(entry.at); begun != chains_.end()) chain = begun->second;
            if (is_policy(entry) || is_head(entry)) chain.clear();
            if (chain.empty()) continue;
            Json rule = Json::array();
            add_condition(rule, entry.condition);
            add_matches(rule, entry.matches);
            if (!add_target(rule, entry)) return std::nullopt;
            items_.push(one("rule", Json::object({{"chain", chain}, {"expr", std::move(rule)}})));
        }
        return std::move(items_);
    }

  private:
    bool read_chains() {
        for (const Hook& hook : hooks) {
            if ((table_.hooks >> hook.number & 1U) == 0) continue;
            const LegacyEntry* policy = at(table_.last[hook.number]);
            if (policy == nullptr || at(table_.first[hook.number]) == nullptr) return false;
            const auto verdict = verdict_of(*policy);
            if (!verdict) return false;
            chains_[table_.first[hook.number]] = hook.chain;
            items_.push(one("chain", Json::object({{"name", hook.chain},
                                                   {"type", "filter"},
                                                   {"hook", hook.name},
                                                   {"prio", 0},
                                                   {"policy", *verdict == drop ? "drop" : "accept"}})));
        }
        for (const LegacyEntry& entry : entries_)
            if (is_head(entry) && entry.next < table_.entries.size()) chains_[entry.next] = text_in(entry.data);
        return true;
    }

    [[nodiscard]] const LegacyEntry* at(std::size_t offset) const {
        const auto found = std::ranges::lower_bound(entries_, offset, {}, &LegacyEntry::at);
        return found != entries_.end() && found->at == offset ? &*found : nullptr;
    }

    /// Of a chain of the owner's, or the table's end.
    static bool is_head(const LegacyEntry& entry) { return entry.target == XT_ERROR_TARGET; }
    [[nodiscard]] bool is_policy(const LegacyEntry& entry) const {
        return std::ranges::any_of(hooks, [&](const Hook& hook) {
            return (table_.hooks >> hook.number & 1U) != 0 && table_.last[hook.number] == entry.at;
        });
    }
    /// A verdict, or where it jumps to.
    static std::optional<int> verdict_of(const LegacyEntry& entry) {
        if (!entry.target.empty()) return std::nullopt;
        return taken<int>(entry.data);
    }

    /// False: there is no such verdict.
    [[nodiscard]] bool add_target(Json& rule, const LegacyEntry& entry) const {
        if (!entry.target.empty()) {
            rule.push(one("xt", Json::object({{"type", "target"}, {"name", entry.target}})));
            return true;
        }
        const auto verdict = verdict_of(entry);
        if (!verdict) return false;
        if (*verdict < 0) {
            const char* const word = *verdict == accept      ? "accept"
                                     : *verdict == drop      ? "drop"
                                     : *verdict == XT_RETURN ? "return"
                                                             : "queue";
            rule.push(one(word, nullptr));
            return true;
        }
        const auto to = static_cast<std::size_t>(*verdict);
        if (to == entry.next && !entry.goes) return true; // a rule that only counts
        const auto chain = chains_.find(to);
        if (chain == chains_.end()) return false;
        rule.push(one(entry.goes ? "goto" : "jump", Json::object({{"target", chain->second}})));
        return true;
    }

    static constexpr int accept = -NF_ACCEPT - 1;
    static constexpr int drop = -NF_DROP - 1;

    const Xtable& table_;
    std::vector<LegacyEntry> entries_;
    std::map<std::size_t, std::string> chains_; ///< by where they begin
    Json items_ = Json::array();
};

} // namespace

Result<ForeignTable> legacy_table(const Xtable& table) {
    TableName name{std::string(legacy_family(table.family)), "filter"};
    auto items = Translation(table).take();
    if (!items) return failed("cannot read the table " + name.text());
    return ForeignTable::of(std::move(name), one("nftables", std::move(*items)));
}

} // namespace vpn::server
