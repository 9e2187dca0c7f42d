#include "vpn-client/dns/resolver_choice.hpp"

#include <algorithm>

namespace vpn::client {
namespace {

/// As many as the C library reads: of the present ones, and of those from before.
constexpr std::size_t most_of_each = 3;

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

/// The one whose text it is, whatever somebody has changed below the first line.
auto owner_of(const SavedFile& found, const std::vector<DnsJournal>& journals) {
    return std::ranges::find_if(journals, [&found](const DnsJournal& journal) {
        const std::string_view mark = journal.file ? first_line(journal.file->text) : std::string_view();
        return found.kind == SavedFile::Kind::file && !mark.empty() && found.content.starts_with(mark);
    });
}

bool is_on_this_machine(const IpAddress& address) {
    static const Prefix loopback = *Prefix::parse("127.0.0.0/8");
    return loopback.contains(address) || address == *IpAddress::parse("::1") || address.is_unspecified();
}

/// Who is written as an IPv4 address within IPv6 is asked over IPv4.
IpAddress as_reached(const IpAddress& address) {
    static const Prefix mapped = *Prefix::parse("::ffff:0.0.0.0/96");
    return mapped.contains(address) ? IpAddress::v4(address.bytes().last<4>()) : address;
}

std::vector<Resolver> as_reached(std::vector<Resolver> list) {
    for (Resolver& each : list) each.address = as_reached(each.address);
    return list;
}

template <class Item> bool is_in(const std::vector<Item>& list, const Item& item) {
    return std::ranges::find(list, item) != list.end();
}

/// None: no link has this name, nor this number.
const system::Link* link_of(const std::vector<system::Link>& links, std::string_view zone) {
    auto found = std::ranges::find(links, zone, &system::Link::name);
    if (found == links.end())
        if (const auto number = parse_decimal(zone, UINT32_MAX)) found = std::ranges::find(links, *number, &system::Link::index);
    return found == links.end() ? nullptr : &*found;
}

} // namespace

Beneath beneath_ours(SavedFile found, const std::vector<DnsJournal>& journals) {
    Beneath beneath{std::move(found), {}};
    std::vector<DnsJournal> left = journals; // each covers once: what somebody has mixed up must not go round in circles
    for (auto owner = owner_of(beneath.file, left); owner != left.end(); owner = owner_of(beneath.file, left)) {
        if (beneath.file.content.starts_with(owner->file->text)) {
            beneath.added += '\n';
            beneath.added += beneath.file.content.substr(owner->file->text.size());
        }
        beneath.file = owner->file->before;
        left.erase(owner);
    }
    return beneath;
}

bool is_record_of_vpn(std::string_view record) { return record.starts_with("vpn") || record.starts_with("tun"); }

bool is_tunnel(const system::Link& link) { return link.kind == "tun" || link.kind == "wireguard" || link.kind == "xfrm"; }

std::vector<Resolver> reachable_by(const std::vector<system::Link>& links, const std::vector<ResolvConf::Server>& servers) {
    std::vector<Resolver> reachable;
    for (const auto& [address, zone] : servers) {
        const system::Link* const link = is_link_local(address) ? link_of(links, zone) : nullptr;
        if (link != nullptr && !is_tunnel(*link)) reachable.emplace_back(address, link->index);
        if (!is_link_local(address)) reachable.emplace_back(address);
    }
    return reachable;
}

std::vector<Resolver> servers_of_links(const std::vector<LinkServer>& servers, const std::vector<std::uint32_t>& links,
                                       const std::vector<IpAddress>& ours) {
    std::vector<Resolver> chosen;
    for (const LinkServer& each : servers)
        if (is_in(links, each.link)) chosen.emplace_back(each.server, is_link_local(each.server) ? each.link : 0);
    for (const LinkServer& each : servers)
        if (each.link == 0 && !is_in(ours, each.server)) chosen.emplace_back(each.server);
    return chosen;
}

std::vector<Resolver> choose_resolvers(const std::vector<Resolver>& present, const std::vector<Resolver>& before,
                                       const std::vector<IpAddress>& tunnels) {
    const std::vector<Resolver> now = as_reached(present);
    const std::vector<Resolver> formerly = as_reached(before);
    std::vector<Resolver> chosen;
    const auto add_few = [&chosen](const std::vector<Resolver>& list, const auto& fits) {
        const std::size_t most = chosen.size() + most_of_each;
        for (const Resolver& each : list)
            if (chosen.size() < most && fits(each) && !is_in(chosen, each)) chosen.push_back(each);
    };
    const auto is_inside = [&tunnels](const Resolver& each) {
        return std::ranges::any_of(tunnels, [&each](const IpAddress& inside) { return as_reached(inside) == each.address; });
    };
    const auto is_here = [](const Resolver& each) { return is_on_this_machine(each.address); };
    const auto is_elsewhere = [](const Resolver& each) {
        return !is_on_this_machine(each.address) && (!is_link_local(each.address) || each.scope != 0);
    };
    add_few(now, [&](const Resolver& each) { return is_elsewhere(each) && (!is_inside(each) || is_in(formerly, each)); });
    add_few(formerly, is_elsewhere);
    if (!chosen.empty()) return chosen;
    for (const auto* const list : {&now, &formerly}) add_few(*list, is_here);
    if (chosen.empty()) chosen.emplace_back(*IpAddress::parse("127.0.0.1")); // resolv.conf(5)
    return chosen;
}

} // namespace vpn::client
