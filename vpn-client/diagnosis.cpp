#include "vpn-client/diagnosis.hpp"

#include "common/protocol/message.hpp"

namespace vpn::client {
namespace {

/// ICMP can be forged, and a server that restarts says no for a moment: once is a hint, twice an answer.
constexpr std::uint32_t certain_after = 2;

/// What the longest of a hybrid handshake's datagrams needs of a link, with UDP and IPv4 or IPv6 around it.
constexpr std::size_t hybrid_initiation = protocol::initiation_size(crypto::Suite::hybrid);
constexpr std::size_t small_question = protocol::initiation_size(crypto::Suite::wireguard);
constexpr std::size_t hybrid_needs_v4 = hybrid_initiation + 8 + 20;
constexpr std::size_t hybrid_needs_v6 = hybrid_initiation + 8 + 40;

std::string place(const Evidence& evidence) {
    return evidence.server == evidence.endpoint || evidence.endpoint.empty() ? evidence.server
                                                                             : evidence.server + " (" + evidence.endpoint + ")";
}

std::string times(std::uint64_t count, const std::string& thing) {
    return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::vector<std::string> explain_name(const Evidence& evidence) {
    return {"the server's name does not resolve: " + evidence.server,
            "  Check its spelling, and this machine's own connection and resolvers: getent hosts NAME"};
}

std::vector<std::string> explain_route(const Evidence& evidence) {
    return {"there is no way to " + place(evidence),
            "  This machine, or a router on the way, says that the address can't be reached.",
            "  Check that this machine is online and that the endpoint is right: ip route get ADDRESS"};
}

std::vector<std::string> explain_port(const Evidence& evidence) {
    return {"nothing listens at " + place(evidence), "  The machine is there, but it says that its UDP port is closed.",
            "  Check that the server runs (vpn-server status) and that the port in the endpoint is its listen_port."};
}

std::vector<std::string> explain_busy(const Evidence& evidence) {
    return {place(evidence) + " is busy: it answered with a cookie, and not yet with a handshake",
            "  It is under load, and may be under attack. Trying again in a minute usually helps."};
}

std::vector<std::string> explain_psk(const Evidence& evidence) {
    return {place(evidence) + " answers, but its answer does not decrypt: the preshared keys differ",
            evidence.has_preshared_key
                ? "  The preshared_key in the file is not the one that the server has for this client, or it has none."
                : "  The server has a preshared key for this client, and the file has none.",
            "  Get the client's file again from the server: vpn-server peer add."};
}

std::vector<std::string> explain_suite(const Evidence& evidence) {
    const std::string ours(crypto::name_of(evidence.suite));
    const bool weaker = evidence.suite == crypto::Suite::hybrid;
    const std::string theirs(crypto::name_of(protocol::other_than(evidence.suite)));
    std::vector<std::string> lines{place(evidence) + " speaks suite " + theirs + " with this client, and the file says " + ours};
    if (weaker)
        lines.insert(lines.end(),
                     {"  Do not change the file to wireguard by yourself: that gives up the safety from quantum computers.",
                      "  Ask whoever runs the server first, by another way, whether they chose it for this client.",
                      "  If it was a mistake there, they set \"suite\": \"hybrid\" for it in the server's file.",
                      "  If they chose it, get the file again from them, or set \"suite\": \"wireguard\" in it."});
    else
        lines.emplace_back("  Set \"suite\": \"hybrid\" in the file, or get it again from the server: vpn-server peer add.");
    return lines;
}

std::vector<std::string> explain_size(const Evidence& evidence) {
    std::vector<std::string> lines{
        place(evidence) + " answers small datagrams, and no large ones",
        "  " + times(evidence.initiations, "handshake") + " of " + std::to_string(hybrid_initiation) +
            " bytes had no answer, and a question of " + std::to_string(small_question) + " bytes had one.",
        "  On the way a firewall or router drops large datagrams, or the fragments that a narrow link makes of them."};
    if (evidence.link_mtu > 0 && evidence.link_mtu < hybrid_needs_v6)
        lines.push_back("  This machine's own link has an MTU of " + std::to_string(evidence.link_mtu) + ".");
    lines.insert(lines.end(),
                 {"  A handshake of suite hybrid passes whole where every link has an MTU of " + std::to_string(hybrid_needs_v4) +
                      " (IPv6: " + std::to_string(hybrid_needs_v6) + ") or more,",
                  "  and in fragments where nobody drops them: raise the MTU, let fragments pass, or try another network.",
                  "  Suite wireguard's handshake is small, but gives up the safety from quantum computers: that is for",
                  "  whoever runs the server to decide (vpn-server peer add --suite wireguard)."});
    return lines;
}

std::vector<std::string> explain_silence(const Evidence& evidence) {
    if (loses_large_datagrams(evidence)) return explain_size(evidence);
    std::vector<std::string> lines{place(evidence) + " does not answer; " + times(evidence.initiations, "handshake") +
                                   (evidence.initiations == 1 ? " was sent" : " were sent")};
    if (evidence.unsent > 0)
        lines.push_back("  This machine itself refused to send " + times(evidence.unsent, "datagram") +
                        ": a firewall here, or a route that went away.");
    lines.insert(lines.end(), {"  A server says nothing to those it does not know. One of these is wrong:",
                               "  - UDP to that port is blocked on the way, or by a firewall at the server;",
                               "  - the public_key in the file is not the server's;",
                               "  - the server does not know this client's key: vpn-server peer list;",
                               "  - a clock: this client connected before with a clock that was ahead;",
                               "  - the server serves this client no longer: its time or its quota is over, or it was disabled.",
                               "    Whoever runs the server sees which: vpn-server peer list."});
    return lines;
}

std::vector<std::string> explain_return(const Evidence& evidence) {
    if (!evidence.heard.empty())
        return {"the handshake with " + place(evidence) + " is fine, but nothing comes back from behind it",
                "  Inside the tunnel " + evidence.heard + " answered, and " + evidence.missing + " did not.",
                "  Check forwarding and NAT on the server (vpn-server status), and that the dns in the file is right."};
    return {"the handshake with " + place(evidence) + " is fine, but nothing comes back through the tunnel",
            "  Inside, " + evidence.missing + " was asked and did not answer.",
            "  Check forwarding and NAT on the server (vpn-server status), that it gave this client the addresses in the file,",
            "  and that the probe in the file is an address that answers ping."};
}

} // namespace

Reason diagnose(const Evidence& evidence) {
    if (evidence.handshake) return Reason::no_return;
    if (evidence.rejected_responses > 0) return Reason::wrong_psk;
    if (evidence.wrong_suites > 0) return Reason::wrong_suite;
    if (evidence.cookies > 0) return Reason::busy;
    if (loses_large_datagrams(evidence)) return Reason::silence;
    if (evidence.port_unreachable > 0) return Reason::port_closed;
    if (evidence.host_unreachable > 0) return Reason::no_route;
    return Reason::silence;
}

bool loses_large_datagrams(const Evidence& evidence) {
    const bool large_answered = evidence.handshake || evidence.rejected_responses > 0 || evidence.cookies > 0;
    // One has to go out behind the small answer: before it, the server may just not have been there.
    return evidence.suite == crypto::Suite::hybrid && evidence.declined && evidence.initiations_since_declined > 0 &&
           !large_answered && evidence.wrong_suites == 0;
}

bool is_certain(const Evidence& evidence) {
    if (evidence.handshake) return false;
    if (evidence.wrong_suites > 0) return true; // authentic
    if (evidence.cookies > 0 || evidence.initiations < certain_after) return false;
    return evidence.rejected_responses >= certain_after || evidence.port_unreachable >= certain_after ||
           evidence.host_unreachable >= certain_after;
}

std::vector<std::string> explain(Reason reason, const Evidence& evidence) {
    switch (reason) {
    case Reason::name_not_resolved: return explain_name(evidence);
    case Reason::no_route: return explain_route(evidence);
    case Reason::port_closed: return explain_port(evidence);
    case Reason::busy: return explain_busy(evidence);
    case Reason::wrong_psk: return explain_psk(evidence);
    case Reason::wrong_suite: return explain_suite(evidence);
    case Reason::silence: return explain_silence(evidence);
    case Reason::no_return: return explain_return(evidence);
    }
    return {};
}

std::string explanation(Reason reason, const Evidence& evidence) {
    std::string text;
    for (const std::string& line : explain(reason, evidence)) text += (text.empty() ? "" : "\n") + line;
    return text;
}

std::string summary_of(Reason reason, const Evidence& evidence) {
    switch (reason) {
    case Reason::name_not_resolved: return "the server's name does not resolve";
    case Reason::no_route: return "there is no way to the server";
    case Reason::port_closed: return "nothing listens at the server's port";
    case Reason::busy: return "the server is busy";
    case Reason::wrong_psk: return "the server's answer does not decrypt: the preshared keys differ";
    case Reason::wrong_suite: return "the server speaks the other suite with this client";
    case Reason::silence:
        if (loses_large_datagrams(evidence)) return "large datagrams don't get through: small ones are answered";
        if (evidence.worked)
            return "the server does not answer any more: it is out of reach, or this client's time or quota is over, or it was "
                   "disabled; ask whoever runs the server";
        return "the server does not answer";
    case Reason::no_return: return "nothing comes back through the tunnel";
    }
    return {};
}

} // namespace vpn::client
