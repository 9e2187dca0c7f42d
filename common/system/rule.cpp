#include "common/system/rule.hpp"

#include "common/system/netlink_message.hpp"

#include <linux/fib_rules.h>

namespace vpn::system {
namespace {

NetlinkMessage message_about(std::uint16_t type, unsigned flags, const Rule& rule) {
    NetlinkMessage message(type, flags);
    auto& header = message.extra<fib_rule_hdr>();
    header.family = af_of(rule.family);
    header.table = static_cast<std::uint8_t>(rule.table < 256 ? rule.table : RT_TABLE_UNSPEC);
    header.action = FR_ACT_TO_TBL;
    if (rule.inverted) header.flags = FIB_RULE_INVERT;
    if (rule.source) header.src_len = static_cast<std::uint8_t>(rule.source->bits());
    if (rule.destination) header.dst_len = static_cast<std::uint8_t>(rule.destination->bits());
    message.put_u32(FRA_PRIORITY, rule.priority);
    message.put_u32(FRA_TABLE, rule.table);
    if (rule.mark) {
        message.put_u32(FRA_FWMARK, rule.mark->value.value);
        message.put_u32(FRA_FWMASK, rule.mark->mask.value);
    }
    if (rule.suppress_prefix_length) message.put_u32(FRA_SUPPRESS_PREFIXLEN, *rule.suppress_prefix_length);
    if (rule.source) message.put(FRA_SRC, rule.source->address().bytes());
    if (rule.destination) message.put(FRA_DST, rule.destination->address().bytes());
    if (!rule.in_interface.empty()) message.put_text(FRA_IIFNAME, rule.in_interface);
    if (!rule.out_interface.empty()) message.put_text(FRA_OIFNAME, rule.out_interface);
    return message;
}

std::optional<Prefix> prefix_of(const nlattr& attribute, unsigned bits) {
    const auto address = address_of(attribute);
    if (!address || bits > address->width()) return std::nullopt;
    return Prefix(*address, bits);
}

Rule decode_rule(const nlmsghdr& message, Family family) {
    const auto& header = extra_of<fib_rule_hdr>(message);
    Rule rule;
    rule.family = family;
    rule.table = header.table;
    rule.inverted = (header.flags & FIB_RULE_INVERT) != 0;
    std::uint32_t mark = 0;
    std::uint32_t mask = 0;
    for_each_attribute<fib_rule_hdr>(message, [&](std::uint16_t type, const nlattr& attribute) {
        if (type == FRA_PRIORITY) rule.priority = u32_of(attribute);
        if (type == FRA_TABLE) rule.table = u32_of(attribute);
        if (type == FRA_FWMARK) mark = u32_of(attribute);
        if (type == FRA_FWMASK) mask = u32_of(attribute);
        // All ones: nothing is suppressed.
        if (type == FRA_SUPPRESS_PREFIXLEN && u32_of(attribute) != 0xffffffff) rule.suppress_prefix_length = u32_of(attribute);
        if (type == FRA_SRC) rule.source = prefix_of(attribute, header.src_len);
        if (type == FRA_DST) rule.destination = prefix_of(attribute, header.dst_len);
        if (type == FRA_IIFNAME) rule.in_interface = text_of(attribute);
        if (type == FRA_OIFNAME) rule.out_interface = text_of(attribute);
    });
    if (mask != 0) rule.mark = MarkMatch{Mark{mark}, Mark{mask}};
    if (header.action != FR_ACT_TO_TBL) rule.table = 0;
    return rule;
}

std::string description(const Rule& rule) {
    return "the routing rule " + std::to_string(rule.priority) + (rule.family == Family::v4 ? " (IPv4)" : " (IPv6)");
}

} // namespace

OsResult<void> add_rule(Netlink& netlink, const Rule& rule) {
    NetlinkMessage message = message_about(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
    return netlink.request(message, "cannot add " + description(rule));
}

OsResult<void> delete_rule(Netlink& netlink, const Rule& rule) {
    NetlinkMessage message = message_about(RTM_DELRULE, 0, rule);
    return netlink.request(message, "cannot delete " + description(rule));
}

OsResult<std::vector<Rule>> list_rules(Netlink& netlink) {
    NetlinkMessage message(RTM_GETRULE, 0);
    message.extra<fib_rule_hdr>();
    std::vector<Rule> rules;
    const auto dumped = netlink.dump(message, "cannot list routing rules", [&rules](const nlmsghdr& answer) {
        const auto family = family_of(extra_of<fib_rule_hdr>(answer).family);
        if (answer.nlmsg_type == RTM_NEWRULE && family) rules.push_back(decode_rule(answer, *family));
    });
    if (!dumped) return tl::unexpected(dumped.error());
    return rules;
}

} // namespace vpn::system
