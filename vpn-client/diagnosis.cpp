#include "vpn-client/diagnosis.hpp"

namespace vpn::client {
namespace {

/// ICMP can be forged, and a server that restarts says no for a moment: once is a hint, twice an answer.
constexpr std::uint32_t certain_after = 2;

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
    const std::string theirs(evidence.suite == crypto::Suite::hybrid ? "wireguard" : "hybrid");
    return {place(evidence) + " speaks suite " + theirs + " with this client, and the file says " + ours,
            "  Set \"suite\": \"" + theirs + "\" in the file, or get it again from the server: vpn-server peer add.",
            "  A file that once said hybrid, the stronger one, should say so again: ask whoever runs the server first."};
}

std::vector<std::string> explain_silence(const Evidence& evidence) {
    std::vector<std::string> lines{place(evidence) + " does not answer; " + times(evidence.initiations, "handshake") +
                                   (evidence.initiations == 1 ? " was sent" : " were sent")};
    if (evidence.unsent > 0)
        lines.push_back("  This machine itself refused to send " + times(evidence.unsent, "datagram") +
                        ": a firewall here, or a route that went away.");
    lines.insert(lines.end(), {"  A server says nothing to those it does not know. One of these is wrong:",
                               "  - UDP to that port is blocked on the way, or by a firewall at the server;",
                               "  - the public_key in the file is not the server's;",
                               "  - the server does not know this client's key: vpn-server peer list;",
                               "  - a clock: this client connected before with a clock that was ahead."});
    if (evidence.suite == crypto::Suite::hybrid)
        lines.push_back("  - fragments are dropped on a narrow way: a handshake of suite hybrid has up to 1,396 bytes; suite "
                        "wireguard's fits.");
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
    if (evidence.port_unreachable > 0) return Reason::port_closed;
    if (evidence.host_unreachable > 0) return Reason::no_route;
    return Reason::silence;
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

std::string summary_of(Reason reason) {
    switch (reason) {
    case Reason::name_not_resolved: return "the server's name does not resolve";
    case Reason::no_route: return "there is no way to the server";
    case Reason::port_closed: return "nothing listens at the server's port";
    case Reason::busy: return "the server is busy";
    case Reason::wrong_psk: return "the server's answer does not decrypt: the preshared keys differ";
    case Reason::wrong_suite: return "the server speaks the other suite with this client";
    case Reason::silence: return "the server does not answer";
    case Reason::no_return: return "nothing comes back through the tunnel";
    }
    return {};
}

} // namespace vpn::client
