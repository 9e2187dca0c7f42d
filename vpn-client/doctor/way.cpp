#include "vpn-client/doctor/way.hpp"

#include "common/system/terminal.hpp"

#include <algorithm>

namespace vpn::client::checks {
namespace {

constexpr std::uint32_t smallest_mtu_for_ipv6 = 1280;

std::string joined(const std::vector<std::string>& texts) {
    std::string text;
    for (const std::string& each : texts) text += (text.empty() ? "" : ", ") + each;
    return text;
}

std::string milliseconds(Duration duration) {
    return std::to_string(std::chrono::round<std::chrono::milliseconds>(duration).count()) + " ms";
}

/// Of those who answered, or did not.
std::vector<std::string> names(const std::vector<Asked>& asked, bool answered) {
    std::vector<std::string> list;
    for (const Asked& each : asked)
        if (each.answered == answered && (answered || !each.guessed))
            list.push_back(each.address.to_string() + (each.dns ? " (DNS)" : " (ping)"));
    return list;
}

/// What to do: the explanation's second line, without its indent.
std::string advice(Reason reason, const Evidence& evidence) {
    if (reason == Reason::silence && evidence.unsent == 0)
        return "let UDP through to " + evidence.server +
               " on the way and there; compare the keys (vpn-server peer list) and clocks";
    const std::vector<std::string> lines = explain(reason, evidence);
    if (lines.size() < 2) return {};
    const std::size_t start = lines[1].find_first_not_of(' ');
    return start == std::string::npos ? std::string() : lines[1].substr(start);
}

} // namespace

Finding judge_name(const NameFacts& facts) {
    if (facts.is_address) return ok("name", facts.host + " is an address: there is nothing to look up");
    if (facts.found.empty())
        return fail("name", facts.host + " has no address: " + facts.trouble,
                    "see that this machine has a network and a name server that answers: getent ahosts " + facts.host);
    std::vector<std::string> texts;
    for (const IpAddress& address : facts.found) texts.push_back(address.to_string());
    return ok("name", facts.host + " is " + joined(texts));
}

Finding judge_server(const Attempt& attempt) {
    if (attempt.took) return ok("server", attempt.evidence.endpoint + " answered a handshake in " + milliseconds(*attempt.took));
    if (!attempt.trouble.empty())
        return fail("server", "no handshake could be sent: " + attempt.trouble, "see that this machine has a network: ip route");
    const Reason reason = diagnose(attempt.evidence);
    return fail("server", summary_of(reason, attempt.evidence) + " (" + std::string(token_of(reason)) + ")",
                advice(reason, attempt.evidence));
}

Finding judge_server(const Report& report) {
    if (report.state == State::connected) return ok("server", report.because);
    if (report.state == State::connecting || report.state == State::ending)
        return warn("server", report.because, "wait for it, or see what vpn-client status " + report.name + " says");
    return fail("server", report.because + " (" + report.reason + ")",
                "for what to do about it: vpn-client disconnect " + report.name + ", then connect again");
}

Finding judge_server_beside(const BesideFacts& facts) {
    if (!facts.resolved) return ok("server", "is not asked: it has no address");
    if (facts.link.empty())
        return warn("server", "no way leads there, and the connection could not go on by it",
                    "see that this machine has a route of that family: ip route, ip -6 route");
    return ok("server", "is not asked while the connection stands; the way there leaves by " + facts.link);
}

Finding judge_peer_beside(const PeerReport& peer) {
    if (peer.handshake_age) return ok("server", "answered a handshake " + system::format_age(*peer.handshake_age));
    if (peer.sent.value == 0) return ok("server", "is asked when there is something to send to it");
    return warn("server", "has not answered yet",
                "see that it runs and that UDP reaches it; vpn-client doctor asks it when disconnected");
}

Finding about(const std::string& server, Finding finding) {
    finding.says = server + ": " + finding.says;
    return finding;
}

Findings as_choices(Findings of_one_peer) {
    const auto serves = [](const Finding& each) { return each.verdict != Verdict::fail; };
    if (std::ranges::none_of(of_one_peer, serves)) return of_one_peer;
    for (Finding& each : of_one_peer)
        if (each.verdict == Verdict::fail) each.verdict = Verdict::warn;
    return of_one_peer;
}

Finding judge_portal(const PortalFacts& facts) {
    constexpr auto check = "captive portal";
    if (facts.locked)
        return warn(check, "whether there is one can't be seen: the lock is shut, and lets no such question out",
                    "in a hotel or café, open it for a browser: vpn-client pause 5m " + facts.name);
    switch (facts.seen.kind) {
    case WayOut::Kind::open: return ok(check, "there is none: " + facts.url + " answers as it should");
    case WayOut::Kind::unknown: return ok(check, "none was seen; " + facts.url + " does not answer");
    case WayOut::Kind::portal: break;
    }
    return fail(
        check, "one keeps this machine from the network" + (facts.seen.host.empty() ? "" : ": it leads to " + facts.seen.host),
        "open a browser and do what it asks for; with a lock, or once connected, first: vpn-client pause 5m " + facts.name);
}

Finding judge_size(const SizeFacts& facts) {
    const std::uint32_t whole = std::min(facts.outer, facts.path.value_or(facts.outer));
    const std::string outer = (whole < facts.outer ? "the way to the server takes " : "the link to the server takes ") +
                              std::to_string(whole) + " bytes";
    if (facts.outer < smallest_mtu_for_ipv6)
        return warn("packet size", outer + ": outer packets may be cut in pieces, and IPv6 has no room at all",
                    "raise the link's MTU to 1280 or more");
    if (facts.inner == 0) return ok("packet size", outer + "; whether the rest of the way does shows once connected");
    const std::string inner = std::to_string(facts.inner);
    const std::uint32_t room = whole > facts.around ? whole - facts.around : 0;
    if (facts.longest_passed == false)
        return fail("packet size", "packets of " + inner + " bytes, the tunnel's MTU, get lost on the way; short ones pass",
                    "set a smaller \"mtu\" in the connection's file, 1280 to begin with");
    if (facts.inner > room)
        return warn("packet size", "the tunnel's MTU is " + inner + ", and " + outer + ": outer packets are cut in pieces",
                    "set \"mtu\" in the connection's file to " + std::to_string(room) + ", or to \"auto\"");
    if (!facts.longest_passed) return ok("packet size", outer + ", the tunnel " + inner + "; nobody inside could be asked");
    const std::string found = facts.path ? "; by probing, the way takes " + std::to_string(*facts.path) + " bytes" : "";
    return ok("packet size", "packets of " + inner + " bytes, the tunnel's MTU, pass and come back" + found);
}

Finding judge_egress(const EgressFacts& facts) {
    const std::string family = facts.family == Family::v4 ? "IPv4" : "IPv6";
    if (facts.full && !facts.way_outside.empty() && facts.way_outside != facts.interface)
        return fail(
            family, "a packet to anywhere leaves by " + facts.way_outside + ", not by the tunnel",
            "see which rule outranks ours (ip rule), and what else in this list speaks of it; \"lock\" would have stopped it");
    if (!facts.any && !facts.way_outside.empty() && !facts.locked)
        return ok(family, "is not in allowed_ips and goes past the tunnel, by " + facts.way_outside);
    if (!facts.any) return ok(family, "is not in allowed_ips, and goes nowhere");
    const auto answered = names(facts.asked, true);
    const auto silent = names(facts.asked, false);
    if (!answered.empty() && silent.empty()) return ok(family, "through the tunnel: " + joined(answered) + " answered");
    if (!silent.empty())
        return fail(family, "nothing comes back from " + joined(silent) + " through the tunnel",
                    "see that the server forwards and masquerades " + family + ": vpn-server status, there");
    return warn(family, "goes into the tunnel; nobody at its other end could be asked whether it comes out",
                "name somebody who answers pings: \"probe\", or a name server of " + family + " in \"dns\"");
}

Finding judge_dns(const DnsFacts& facts) {
    if (const auto silent = names(facts.asked, false); !silent.empty())
        return fail("DNS", joined(silent) + " does not answer through the tunnel",
                    "name another server in \"dns\", or see that the server forwards: vpn-server status, there");
    for (const DnsFacts::Resolver& resolver : facts.resolvers)
        if (facts.full && !resolver.way.empty() && resolver.way != facts.interface && resolver.way != "lo")
            return warn("DNS",
                        "/etc/resolv.conf names " + resolver.address.to_string() + ", which is asked past the tunnel, by " +
                            resolver.way,
                        "name servers that are reached through the tunnel in \"dns\", or set \"lock\": true");
    const auto answered = names(facts.asked, true);
    if (answered.empty()) return ok("DNS", "the file names no server; the machine's own are asked");
    return ok("DNS", joined(answered) + " answered through the tunnel");
}

} // namespace vpn::client::checks
