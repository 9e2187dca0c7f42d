#include "vpn-client/doctor/machine.hpp"

#include "common/system/terminal.hpp"
#include "vpn-client/network_plan.hpp"

#include <algorithm>
#include <array>

namespace vpn::client::checks {
namespace {

using namespace std::chrono;

constexpr year first_sane_year{2025};
constexpr year last_sane_year{2100};
/// Less than this back is a clock that was set right.
constexpr seconds slight{120};

std::string day_text(Wall at) {
    const year_month_day day(floor<days>(at));
    const auto two = [](unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); };
    return std::to_string(static_cast<int>(day.year())) + '-' + two(static_cast<unsigned>(day.month())) + '-' +
           two(static_cast<unsigned>(day.day()));
}

bool is_sane(Wall at) {
    const year now = year_month_day(floor<days>(at)).year();
    return now >= first_sane_year && now < last_sane_year;
}

std::string family_of(const system::Rule& rule) { return rule.family == Family::v4 ? "-4" : "-6"; }

bool is_in_our_range(const system::Rule& rule) { return rule.priority >= priority_of(0) && rule.priority < priority_of(slots); }

bool belongs_to_one(const system::Rule& rule, const std::vector<Journal>& running) {
    return std::ranges::any_of(running, [&rule](const Journal& journal) {
        return std::ranges::any_of(rules_of(journal), [&rule](const system::Rule& ours) {
            return ours.family == rule.family && ours.priority == rule.priority;
        });
    });
}

bool is_named(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

bool is_tunnel(const system::Link& link) {
    constexpr std::array<std::string_view, 6> kinds{"wireguard", "tun", "ppp", "xfrm", "vti", "vti6"};
    return std::ranges::find(kinds, link.kind) != kinds.end() || link.name.starts_with("ppp");
}

/// The first route by which a link takes everything, or half of it.
const system::Route* default_route_by(const NetworkView& view, std::uint32_t link) {
    const auto found = std::ranges::find_if(view.routes, [link](const system::Route& route) {
        return route.interface == link && route.kind == system::RouteKind::unicast && route.destination.bits() <= 1;
    });
    return found == view.routes.end() ? nullptr : &*found;
}

/// It is asked before our rules are.
bool outranks_ours(const NetworkView& view, const system::Route& route) {
    return std::ranges::any_of(view.rules, [&route](const system::Rule& rule) {
        return rule.table == route.table && rule.family == route.destination.family() && rule.priority < priority_of(0);
    });
}

Finding idle_lock(const std::string& name) {
    return warn("lock", "the lock of " + name + " is shut, on purpose, and the connection is not up",
                "vpn-client connect " + name + ", or to open it: vpn-client disconnect " + name);
}

Finding other_vpn(const system::Link& link, const system::Route& route, bool outranks) {
    const std::string what = link.name + (link.kind.empty() ? "" : " (" + link.kind + ")");
    const std::string place = " by a default route in table " + std::to_string(route.table);
    const std::string fix = "disconnect that one: two full tunnels at once get in each other's way";
    if (outranks) return fail("other VPN", what + " takes everything" + place + ", before our rules are asked", fix);
    return warn("other VPN", what + " takes what is not ours" + place + ", our outer packets too", fix);
}

bool is_link_local(const Prefix& prefix) { return !prefix.address().is_v4() && Prefix::parse("fe80::/10")->overlaps(prefix); }

std::string name_of_link(const NetworkView& view, std::uint32_t index) {
    const auto found = std::ranges::find(view.links, index, &system::Link::index);
    return found == view.links.end() ? std::string() : found->name;
}

} // namespace

Finding judge_clock(Wall now, std::optional<Wall> last) {
    if (!is_sane(now))
        return fail("clock", "it says " + day_text(now) + ": a server that has seen a later time from us answers nothing",
                    "set the date (timedatectl set-ntp true), then connect again");
    if (last && *last - now > slight)
        return warn("clock",
                    "it went back by " + system::format_duration(*last - now) +
                        " since the last handshake; connect copes on this machine, another one with this key does not",
                    "see that the date is right: timedatectl");
    return ok("clock", "it says " + day_text(now) + (last ? ", no earlier than at the last handshake" : "") +
                           " (the server's is never told)");
}

Findings judge_leftovers(const Leftovers& facts) {
    Findings findings;
    for (const std::string& name : facts.crashed)
        findings.push_back(
            fail("leftovers", "a crash of " + name + " left rules or firewall tables behind", "vpn-client recover"));
    for (const std::string& name : facts.dns)
        findings.push_back(fail("leftovers", "a crash of " + name + ", or a restart of the machine, left its name servers behind",
                                "vpn-client recover"));
    // One that a crash left is taken back by `recover` with the rest.
    for (const system::Rule& rule : facts.rules)
        if (facts.crashed.empty() && is_in_our_range(rule) && !belongs_to_one(rule, facts.running))
            findings.push_back(
                fail("leftovers",
                     "the routing rule " + std::to_string(rule.priority) + " stands where ours go, and no connection knows it",
                     "ip " + family_of(rule) + " rule del priority " + std::to_string(rule.priority)));
    if (findings.empty()) findings.push_back(ok("leftovers", "no crash has left anything"));
    for (const std::string& name : facts.idle_locks) findings.push_back(idle_lock(name));
    return findings;
}

Findings judge_other_vpns(const NetworkView& view) {
    Findings findings;
    for (const system::Link& link : view.links) {
        if (!is_tunnel(link) || is_named(view.ours, link.name)) continue;
        const system::Route* const route = default_route_by(view, link.index);
        if (route == nullptr) continue;
        findings.push_back(other_vpn(link, *route, outranks_ours(view, *route)));
    }
    if (findings.empty()) findings.push_back(ok("other VPN", "none takes a default route"));
    return findings;
}

Findings judge_overlaps(const NetworkView& view, const std::vector<Prefix>& allowed_ips, const std::vector<Prefix>& inside) {
    Findings findings;
    for (const system::InterfaceAddress& address : view.addresses) {
        const std::string link = name_of_link(view, address.interface);
        const Prefix network = address.prefix.network();
        const bool single = network.bits() == network.address().width();
        if (link == "lo" || is_named(view.ours, link) || single || is_link_local(network)) continue;
        const auto overlaps = [&network](const Prefix& prefix) { return prefix.bits() > 1 && prefix.overlaps(network); };
        const std::string here = link + "'s network " + network.to_string();
        if (const auto taken = std::ranges::find_if(inside, overlaps); taken != inside.end())
            findings.push_back(fail("overlap", here + " holds the tunnel's own address " + taken->address().to_string(),
                                    "use another local network, or another one on the server (vpn-server init --network)"));
        else if (const auto wanted = std::ranges::find_if(allowed_ips, overlaps); wanted != allowed_ips.end())
            findings.push_back(warn("overlap",
                                    here + " overlaps " + wanted->to_string() + " of allowed_ips: the longer prefix wins",
                                    "use another local network, or leave it out of allowed_ips"));
    }
    if (findings.empty()) findings.push_back(ok("overlap", "no local network overlaps the tunnel's"));
    return findings;
}

Finding judge_manager(const Manager& manager, const std::string& interface) {
    const bool network_manager = manager.program == "NetworkManager";
    const std::string fix =
        network_manager ? "nmcli device set " + interface + " managed no; for good: unmanaged-devices in NetworkManager.conf(5)"
                        : "a .network file with [Match] Name=" + interface + " and [Link] Unmanaged=yes";
    if (!manager.runs) return ok(manager.program, "does not run");
    if (manager.manages == true)
        return fail(manager.program, "manages " + interface + ": it may take addresses and routes away", fix);
    if (manager.manages == false) return ok(manager.program, "leaves " + interface + " alone");
    if (!manager.claimed_by.empty())
        return warn(manager.program, manager.claimed_by + " speaks of " + interface + " and does not leave it alone", fix);
    return ok(manager.program, "runs; what it does with " + interface + " shows once that is up");
}

Finding judge_reverse_path(const ReversePath& facts) {
    const std::string name = "reverse path";
    if (facts.filter != 1) return ok(name, "no strict filter on " + facts.interface);
    if (facts.valid_mark) return ok(name, "the filter on " + facts.interface + " is strict, and looks at marks");
    if (!facts.rules_stand) return ok(name, "the filter on " + facts.interface + " is strict; connect makes it look at marks");
    return fail(name, "the filter on " + facts.interface + " is strict and drops the server's answers",
                "sysctl -w net.ipv4.conf.all.src_valid_mark=1");
}

} // namespace vpn::client::checks
