#include "vpn-server/legacy_entry.hpp"

#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <utility>

namespace vpn::server {
namespace {

static_assert(IPT_INV_VIA_IN == IP6T_INV_VIA_IN && IPT_INV_VIA_OUT == IP6T_INV_VIA_OUT && IPT_INV_SRCIP == IP6T_INV_SRCIP &&
              IPT_INV_DSTIP == IP6T_INV_DSTIP && IPT_INV_PROTO == IP6T_INV_PROTO);

/// A structure of the kernel's at the start of `bytes`. Requires: as many bytes. (`taken` can't hold those that end in an array.)
template <class T> T copied(Bytes bytes) {
    T value;
    std::memcpy(&value, bytes.first<sizeof(T)>().data(), sizeof value);
    return value;
}

/// `Where` is the condition's structure, which begins there in `head`.
template <class Where> LegacyCondition condition_in(Bytes head, std::size_t begin) {
    const auto part = [&](std::size_t offset, std::size_t size) { return head.subspan(begin + offset, size); };
    constexpr std::size_t address = sizeof(Where::src);
    LegacyCondition result;
    result.source = part(offsetof(Where, src), address);
    result.source_mask = part(offsetof(Where, smsk), address);
    result.destination = part(offsetof(Where, dst), address);
    result.destination_mask = part(offsetof(Where, dmsk), address);
    result.in = part(offsetof(Where, iniface), IFNAMSIZ);
    result.in_mask = part(offsetof(Where, iniface_mask), IFNAMSIZ);
    result.out = part(offsetof(Where, outiface), IFNAMSIZ);
    result.out_mask = part(offsetof(Where, outiface_mask), IFNAMSIZ);
    return result;
}

LegacyCondition condition_of(const ipt_entry& entry, Bytes head) {
    LegacyCondition result = condition_in<ipt_ip>(head, offsetof(ipt_entry, ip));
    result.protocol = entry.ip.proto;
    // `! -f` is true of what is whole.
    result.fragments = ((entry.ip.flags & IPT_F_FRAG) != 0) != ((entry.ip.invflags & IPT_INV_FRAG) != 0);
    result.inverted = entry.ip.invflags;
    return result;
}

LegacyCondition condition_of(const ip6t_entry& entry, Bytes head) {
    LegacyCondition result = condition_in<ip6t_ip6>(head, offsetof(ip6t_entry, ipv6));
    if ((entry.ipv6.flags & IP6T_F_PROTO) != 0) result.protocol = entry.ipv6.proto;
    result.inverted = entry.ipv6.invflags;
    return result;
}

bool goes(const ipt_entry& entry) { return (entry.ip.flags & IPT_F_GOTO) != 0; }
bool goes(const ip6t_entry& entry) { return (entry.ipv6.flags & IP6T_F_GOTO) != 0; }

std::optional<std::vector<LegacyMatch>> matches_in(Bytes left) {
    std::vector<LegacyMatch> matches;
    while (!left.empty()) {
        if (left.size() < sizeof(xt_entry_match)) return std::nullopt;
        const auto head = copied<xt_entry_match>(left);
        const std::size_t size = head.u.match_size;
        if (size < sizeof head || size > left.size()) return std::nullopt;
        const Bytes name = left.subspan(offsetof(xt_entry_match, u.user.name), sizeof head.u.user.name);
        matches.push_back({text_in(name), head.u.user.revision, left.first(size).subspan(sizeof head)});
        left = left.subspan(size);
    }
    return matches;
}

template <class Raw> std::optional<LegacyEntry> entry_at(Bytes all, std::size_t at) {
    const Bytes rest = all.subspan(at);
    if (rest.size() < sizeof(Raw)) return std::nullopt;
    const Raw raw = copied<Raw>(rest);
    const std::size_t target_at = raw.target_offset;
    if (raw.next_offset > rest.size() || target_at < sizeof(Raw)) return std::nullopt;
    if (target_at + sizeof(xt_entry_target) > raw.next_offset) return std::nullopt;
    const Bytes target = rest.subspan(target_at, raw.next_offset - target_at);
    const auto head = copied<xt_entry_target>(target);
    if (head.u.target_size < sizeof head || head.u.target_size > target.size()) return std::nullopt;
    auto matches = matches_in(rest.subspan(sizeof(Raw), target_at - sizeof(Raw)));
    if (!matches) return std::nullopt;
    LegacyEntry entry;
    entry.at = at;
    entry.next = at + raw.next_offset;
    entry.condition = condition_of(raw, rest.first(sizeof(Raw)));
    entry.goes = goes(raw);
    entry.matches = std::move(*matches);
    entry.target = text_in(target.subspan(offsetof(xt_entry_target, u.user.name), sizeof head.u.user.name));
    entry.data = target.first(head.u.target_size).subspan(sizeof head);
    return entry;
}

} // namespace

std::string text_in(Bytes bytes) {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.substr(0, text.find('\0'));
}

std::optional<std::vector<LegacyEntry>> legacy_entries(Family family, Bytes table) {
    std::vector<LegacyEntry> entries;
    for (std::size_t at = 0; at < table.size();) {
        auto entry = family == Family::v4 ? entry_at<ipt_entry>(table, at) : entry_at<ip6t_entry>(table, at);
        if (!entry) return std::nullopt;
        at = entry->next;
        entries.push_back(std::move(*entry));
    }
    return entries;
}

} // namespace vpn::server
