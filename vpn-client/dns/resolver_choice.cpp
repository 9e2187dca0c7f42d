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
std::vector<IpAddress> as_reached(std::vector<IpAddress> list) {
    static const Prefix mapped = *Prefix::parse("::ffff:0.0.0.0/96");
    for (IpAddress& each : list)
        if (mapped.contains(each)) each = IpAddress::v4(each.bytes().last<4>());
    return list;
}

bool is_in(const std::vector<IpAddress>& list, const IpAddress& address) {
    return std::ranges::find(list, address) != list.end();
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

std::vector<IpAddress> servers_of_links(const std::vector<LinkServer>& servers, const std::vector<std::uint32_t>& links,
                                        const std::vector<IpAddress>& ours) {
    std::vector<IpAddress> chosen;
    for (const LinkServer& each : servers)
        if (std::ranges::find(links, each.link) != links.end()) chosen.push_back(each.server);
    for (const LinkServer& each : servers)
        if (each.link == 0 && !is_in(ours, each.server)) chosen.push_back(each.server);
    return chosen;
}

std::vector<IpAddress> choose_resolvers(const std::vector<IpAddress>& present, const std::vector<IpAddress>& before,
                                        const std::vector<IpAddress>& tunnels) {
    const std::vector<IpAddress> now = as_reached(present);
    const std::vector<IpAddress> formerly = as_reached(before);
    const std::vector<IpAddress> inside = as_reached(tunnels);
    std::vector<IpAddress> chosen;
    const auto add_few = [&chosen](const std::vector<IpAddress>& list, const auto& fits) {
        const std::size_t most = chosen.size() + most_of_each;
        for (const IpAddress& each : list)
            if (chosen.size() < most && fits(each) && !is_in(chosen, each)) chosen.push_back(each);
    };
    add_few(now,
            [&](const IpAddress& each) { return !is_on_this_machine(each) && (!is_in(inside, each) || is_in(formerly, each)); });
    add_few(formerly, [](const IpAddress& each) { return !is_on_this_machine(each); });
    if (!chosen.empty()) return chosen;
    for (const auto* const list : {&now, &formerly}) add_few(*list, is_on_this_machine);
    if (chosen.empty()) chosen.push_back(*IpAddress::parse("127.0.0.1")); // resolv.conf(5)
    return chosen;
}

} // namespace vpn::client
