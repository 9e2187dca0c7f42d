// The layout is that of linux/netfilter_ipv4/ip_tables.h and linux/netfilter_ipv6/ip6_tables.h: an entry, its matches, its
// target. A chain of the owner's begins behind an entry whose target is ERROR and bears its name; one of a hook's where the hook
// says, and ends with its policy. A jump is the offset of the entry that it leads to.
#include "vpn-server/legacy_table.hpp"

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
#include <cstring>
#include <map>
#include <optional>
#include <type_traits>

namespace vpn::server {
namespace {

using config::Json;
using system::Xtable;

/// The condition that an entry itself has, whichever family's.
struct Condition {
    Bytes source, source_mask;
    Bytes destination, destination_mask;
    Bytes in, in_mask;
    Bytes out, out_mask;
    std::uint16_t protocol = 0; ///< zero: any
    bool fragments = false;
    std::uint8_t inverted = 0; ///< IPT_INV_*
};

/// Where the parts of an entry are.
struct Entry {
    std::size_t at = 0;
    std::size_t next = 0;
    Condition condition;
    bool goes = false; ///< instead of jumping
    Bytes matches;
    Bytes target;
};

/// A structure of the kernel's at the start of `bytes`. Requires: as many bytes.
template <class T> T copied(Bytes bytes) {
    T value;
    std::memcpy(&value, bytes.first<sizeof(T)>().data(), sizeof value);
    return value;
}

/// The same; nothing if they are too few.
template <class T> std::optional<T> taken(Bytes bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    return copied<T>(bytes);
}

std::string text_in(Bytes bytes) {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.substr(0, text.find('\0'));
}

bool all_are(Bytes bytes, std::byte value) {
    return std::ranges::all_of(bytes, [value](std::byte one) { return one == value; });
}

// --- reading -----------------------------------------------------------------------------------------------------------------

/// `head` is where `where` was copied from: the views stay in there.
template <class Entry, class Where> Condition condition_in(Bytes head, std::size_t begin) {
    const auto part = [&](std::size_t offset, std::size_t size) { return head.subspan(begin + offset, size); };
    constexpr std::size_t address = sizeof(Where::src);
    return {.source = part(offsetof(Where, src), address),
            .source_mask = part(offsetof(Where, smsk), address),
            .destination = part(offsetof(Where, dst), address),
            .destination_mask = part(offsetof(Where, dmsk), address),
            .in = part(offsetof(Where, iniface), IFNAMSIZ),
            .in_mask = part(offsetof(Where, iniface_mask), IFNAMSIZ),
            .out = part(offsetof(Where, outiface), IFNAMSIZ),
            .out_mask = part(offsetof(Where, outiface_mask), IFNAMSIZ)};
}

Condition condition_of(const ipt_entry& entry, Bytes head) {
    Condition result = condition_in<ipt_entry, ipt_ip>(head, offsetof(ipt_entry, ip));
    result.protocol = entry.ip.proto;
    // `! -f` is true of what is whole.
    result.fragments = ((entry.ip.flags & IPT_F_FRAG) != 0) != ((entry.ip.invflags & IPT_INV_FRAG) != 0);
    result.inverted = entry.ip.invflags;
    return result;
}

Condition condition_of(const ip6t_entry& entry, Bytes head) {
    Condition result = condition_in<ip6t_entry, ip6t_ip6>(head, offsetof(ip6t_entry, ipv6));
    if ((entry.ipv6.flags & IP6T_F_PROTO) != 0) result.protocol = entry.ipv6.proto;
    result.inverted = entry.ipv6.invflags;
    return result;
}

std::uint8_t flags_of(const ipt_entry& entry) { return entry.ip.flags; }
std::uint8_t flags_of(const ip6t_entry& entry) { return entry.ipv6.flags; }

static_assert(IPT_F_GOTO == 2 && IP6T_F_GOTO == 4);
static_assert(IPT_INV_VIA_IN == IP6T_INV_VIA_IN && IPT_INV_VIA_OUT == IP6T_INV_VIA_OUT && IPT_INV_SRCIP == IP6T_INV_SRCIP &&
              IPT_INV_DSTIP == IP6T_INV_DSTIP && IPT_INV_PROTO == IP6T_INV_PROTO);

/// Every match and the target within it are as long as they say, too.
template <class Raw> std::optional<Entry> entry_at(Bytes all, std::size_t at) {
    const Bytes rest = all.subspan(at);
    if (rest.size() < sizeof(Raw)) return std::nullopt;
    const Raw raw = copied<Raw>(rest);
    if (raw.next_offset > rest.size() || raw.target_offset < sizeof(Raw)) return std::nullopt;
    if (raw.target_offset + sizeof(xt_entry_target) > raw.next_offset) return std::nullopt;
    constexpr unsigned goto_flag = std::is_same_v<Raw, ipt_entry> ? unsigned{IPT_F_GOTO} : unsigned{IP6T_F_GOTO};
    Entry entry{.at = at,
                .next = at + raw.next_offset,
                .condition = condition_of(raw, rest.first(sizeof(Raw))),
                .goes = (flags_of(raw) & goto_flag) != 0,
                .matches = rest.subspan(sizeof(Raw), raw.target_offset - sizeof(Raw)),
                .target = rest.subspan(raw.target_offset, raw.next_offset - raw.target_offset)};
    const std::size_t target = copied<xt_entry_target>(entry.target).u.target_size;
    if (target < sizeof(xt_entry_target) || target > entry.target.size()) return std::nullopt;
    entry.target = entry.target.first(target);
    for (Bytes left = entry.matches; !left.empty();) {
        if (left.size() < sizeof(xt_entry_match)) return std::nullopt;
        const std::size_t size = copied<xt_entry_match>(left).u.match_size;
        if (size < sizeof(xt_entry_match) || size > left.size()) return std::nullopt;
        left = left.subspan(size);
    }
    return entry;
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
    const std::string text = text_in(name);
    const std::size_t compared = static_cast<std::size_t>(std::ranges::find(mask, std::byte{0}) - mask.begin());
    const bool whole = compared == text.size() + 1; // with the zero behind it
    const bool understood = all_are(mask.subspan(compared), std::byte{0}) && all_are(mask.first(compared), std::byte{0xff}) &&
                            (whole || compared == text.size());
    if (compared == 0 && understood && !inverted) return;
    // An asterisk stands for more in nft's words.
    if (!understood || text.empty() || text.find('*') != std::string::npos)
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

void add_condition(Json& rule, const Condition& condition) {
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
    if (left != 0) return std::nullopt; // SNAT or DNAT
    return match(one("ct", Json::object({{"key", "state"}})), (info->invert_flags & XT_CONNTRACK_STATE) != 0, std::move(list));
}

std::optional<Json> match_in_words(const std::string& name, unsigned revision, Bytes data) {
    if (name == "udp" && revision == 0) return udp(data);
    if (name == "tcp" && revision == 0) return tcp(data);
    if (name == "multiport" && revision == 1) return multiport(data);
    if (name == "conntrack" && (revision == 2 || revision == 3)) return conntrack(data);
    return std::nullopt;
}

/// Requires: entry_at has found them whole.
void add_matches(Json& rule, Bytes matches) {
    while (!matches.empty()) {
        const auto head = copied<xt_entry_match>(matches);
        std::string name = text_in(matches.subspan(offsetof(xt_entry_match, u.user.name), sizeof head.u.user.name));
        const Bytes data = matches.first(head.u.match_size).subspan(sizeof head);
        auto words = match_in_words(name, head.u.user.revision, data);
        rule.push(words ? std::move(*words) : opaque(std::move(name)));
        matches = matches.subspan(head.u.match_size);
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
        if (!read_entries() || !read_chains()) return std::nullopt;
        std::string chain;
        for (const Entry& entry : entries_) {
            if (const auto begun = chains_.find(entry.at); begun != chains_.end()) chain = begun->second;
            if (is_policy(entry)) chain.clear();
            if (is_head(entry)) chain.clear();
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
    bool read_entries() {
        const Bytes all = table_.entries;
        for (std::size_t at = 0; at < all.size();) {
            auto entry = table_.family == Family::v4 ? entry_at<ipt_entry>(all, at) : entry_at<ip6t_entry>(all, at);
            if (!entry) return false;
            at = entry->next;
            entries_.push_back(*entry);
        }
        return true;
    }

    bool read_chains() {
        for (const Hook& hook : hooks) {
            if ((table_.hooks >> hook.number & 1U) == 0) continue;
            const Entry* policy = at(table_.last[hook.number]);
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
        for (const Entry& entry : entries_)
            if (is_head(entry)) chains_[entry.next] = text_in(entry.target.subspan(sizeof(xt_entry_target)));
        return true;
    }

    [[nodiscard]] const Entry* at(std::size_t offset) const {
        const auto found = std::ranges::lower_bound(entries_, offset, {}, &Entry::at);
        return found != entries_.end() && found->at == offset ? &*found : nullptr;
    }

    static std::string target_name(const Entry& entry) {
        constexpr std::size_t size = sizeof(xt_entry_target{}.u.user.name);
        return text_in(entry.target.subspan(offsetof(xt_entry_target, u.user.name), size));
    }
    /// Of a chain of the owner's, or the table's end.
    static bool is_head(const Entry& entry) { return target_name(entry) == XT_ERROR_TARGET; }
    [[nodiscard]] bool is_policy(const Entry& entry) const {
        return std::ranges::any_of(hooks, [&](const Hook& hook) {
            return (table_.hooks >> hook.number & 1U) != 0 && table_.last[hook.number] == entry.at;
        });
    }
    /// A verdict, or where it jumps to.
    static std::optional<int> verdict_of(const Entry& entry) {
        if (target_name(entry) != XT_STANDARD_TARGET) return std::nullopt;
        return taken<int>(entry.target.subspan(sizeof(xt_entry_target)));
    }

    /// False: there is no such verdict.
    [[nodiscard]] bool add_target(Json& rule, const Entry& entry) const {
        const std::string name = target_name(entry);
        if (name != XT_STANDARD_TARGET) {
            rule.push(one("xt", Json::object({{"type", "target"}, {"name", name}})));
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
    std::vector<Entry> entries_;
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
