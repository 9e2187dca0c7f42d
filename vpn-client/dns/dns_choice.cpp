#include "vpn-client/dns/dns_choice.hpp"

#include "vpn-client/dns/resolv_conf.hpp"

namespace vpn::client {
namespace {

bool resolvconf_makes_the_file(const ResolverFacts& facts) {
    if (facts.resolvconf == ResolvconfKind::none) return false;
    return facts.target.find("/resolvconf/") != std::string::npos || is_made_by_resolvconf(facts.text);
}

} // namespace

DnsChoice choose_dns(const DnsPlan& plan, const ResolverFacts& facts) {
    if (plan.empty()) return {};
    if (facts.resolved && asks_resolved(parse_resolv_conf(facts.text))) return {true, FileKeeper::nobody};
    const bool keeps_others_out = facts.resolvconf == ResolvconfKind::openresolv || !plan.full_tunnel;
    const bool by_resolvconf = resolvconf_makes_the_file(facts) && keeps_others_out;
    return {facts.resolved, by_resolvconf ? FileKeeper::resolvconf : FileKeeper::us};
}

std::string name_of(const DnsChoice& choice) {
    std::string file;
    if (choice.file == FileKeeper::resolvconf) file = "resolvconf";
    if (choice.file == FileKeeper::us) file = "resolv.conf";
    if (!choice.resolved) return file;
    return file.empty() ? "systemd-resolved" : "systemd-resolved and " + file;
}

} // namespace vpn::client
