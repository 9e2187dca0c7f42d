#include "vpn-client/status_text.hpp"

#include "common/config/error.hpp"
#include "common/system/terminal.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;
using system::Colour;

constexpr std::size_t label_width = 12;
constexpr std::size_t items_shown = 8;

Colour colour_of(State state) {
    switch (state) {
    case State::connecting:
    case State::ending: return Colour::yellow;
    case State::connected: return Colour::green;
    case State::broken: break;
    }
    return Colour::red;
}

std::string verdict_of(State state) { return state == State::broken ? "no working tunnel" : std::string(name_of(state)); }

std::string line(std::string label, const std::string& value) {
    label.resize(std::max(label_width, label.size() + 1), ' ');
    return "  " + label + value + '\n';
}

std::string joined(const std::vector<std::string>& items) {
    std::string text;
    for (std::size_t i = 0; i < std::min(items.size(), items_shown); ++i)
        text += (i == 0 ? "" : ", ") + config::printable(items[i]);
    if (items.size() > items_shown) text += " and " + std::to_string(items.size() - items_shown) + " more";
    return text.empty() ? "none" : text;
}

std::string when(Duration age) { return age < std::chrono::seconds(1) ? "just now" : system::format_age(age); }

std::string lock_text(const Report& report) {
    const std::string left = report.pause_left ? system::format_duration(*report.pause_left) : "";
    switch (report.lock) {
    case LockState::off: return report.pause_left ? "off; paused, everything goes past the tunnel for " + left + " more" : "off";
    case LockState::paused: return "open for " + left + " more: paused, everything goes past the tunnel";
    case LockState::lost: return "LOST: somebody removed or changed its table, and it could not be put up again; see the log";
    case LockState::shut: break;
    }
    return report.full_tunnel ? "shut: nothing leaves but through the tunnel"
                              : "shut: what belongs in the tunnel leaves by no other way";
}

std::string portal_text(const std::string& host) {
    const std::string where = host.empty() ? "a captive portal" : config::printable(host, 253);
    return where + " keeps this machine out: open a browser during a pause (vpn-client pause 5m)";
}

std::string mtu_text(const Report& report) {
    std::string text = std::to_string(report.mtu);
    if (report.path_mtu) text += " (found by probing: the way carries " + std::to_string(*report.path_mtu) + ')';
    return text;
}

std::string suite_text(const PeerReport& peer) {
    std::string text = peer.suite;
    if (peer.has_preshared_key) text += ", with a preshared key";
    if (peer.suite_is_slow)
        text +=
            " (slow: this machine has no AES instructions; suite wireguard is faster, without protection from quantum computers)";
    return text;
}

std::string peer_text(const PeerReport& peer) {
    const std::string name = peer.name.empty() ? peer.public_key : config::printable(peer.name) + " (" + peer.public_key + ")";
    std::string text = line("peer", name);
    text += line("endpoint", peer.endpoint.empty() ? "not known" : peer.endpoint);
    text += line("suite", suite_text(peer));
    text += line("handshake", peer.handshake_age ? when(*peer.handshake_age) : "never");
    text += line("transfer", system::format_bytes(peer.received) + " received, " + system::format_bytes(peer.sent) + " sent");
    return text;
}

std::string dns_text(const DnsReport& dns, bool paused) {
    std::vector<std::string> domains = dns.search;
    domains.insert(domains.end(), dns.routed.begin(), dns.routed.end());
    std::string text = joined(dns.servers) + " by " + dns.back_end;
    if (!dns.every_name) text += ", for names in " + joined(domains);
    if (!dns.applied) text += paused ? " (not during the pause)" : " (not in force: somebody else changes it back)";
    return text;
}

std::string inside_text(const Report& report) {
    const double milliseconds = std::chrono::duration<double, std::milli>(*report.round_trip).count();
    const auto rounded = static_cast<long>(std::lround(milliseconds));
    return (rounded < 1 ? "less than 1" : std::to_string(rounded)) + " ms, loss " + std::to_string(report.loss.value_or(0)) +
           " %";
}

double per_second(const Traffic& look, ByteCount Traffic::*member) {
    const double seconds = std::chrono::duration<double>(look.over).count();
    return seconds > 0 ? static_cast<double>((look.*member).value) / seconds : 0;
}

/// Nothing is a space, and a little is something.
std::string_view bar(double value, double highest) {
    constexpr std::array<std::string_view, 9> bars{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    if (value <= 0) return bars.front();
    return bars.at(static_cast<std::size_t>(std::ceil(value / highest * 8)));
}

template <class Member> ByteCount sum_of(const Report& report, Member member) {
    ByteCount sum;
    for (const PeerReport& peer : report.peers) sum.value += (peer.*member).value;
    return sum;
}

ByteCount difference(ByteCount earlier, ByteCount later) {
    return later < earlier ? ByteCount{} : ByteCount{later.value - earlier.value};
}

} // namespace

Traffic traffic_between(const Report& earlier, const Report& later) {
    if (later.uptime <= earlier.uptime || later.process != earlier.process) return {};
    return {.received = difference(sum_of(earlier, &PeerReport::received), sum_of(later, &PeerReport::received)),
            .sent = difference(sum_of(earlier, &PeerReport::sent), sum_of(later, &PeerReport::sent)),
            .over = later.uptime - earlier.uptime};
}

std::string rate_graph(const std::vector<Traffic>& looks) {
    std::string text;
    for (const auto& [label, member] : {std::pair("received", &Traffic::received), std::pair("sent", &Traffic::sent)}) {
        double highest = 0;
        for (const Traffic& look : looks) highest = std::max(highest, per_second(look, member));
        std::string bars;
        for (const Traffic& look : looks) bars += bar(per_second(look, member), highest);
        text += line(label, bars + "  at most " + system::format_rate(ByteCount{static_cast<std::uint64_t>(highest)}, 1s));
    }
    return text;
}

std::string status_text(const Report& report, const Traffic& traffic, bool colour) {
    std::string text = report.name + ": " + system::coloured(verdict_of(report.state), colour_of(report.state), colour);
    if (!report.because.empty()) text += ", " + report.because;
    text += '\n';
    if (report.portal) text += line("portal", portal_text(*report.portal));
    if (report.peers.empty()) return text + line("lock", lock_text(report)); // there is no tunnel yet, or none any more
    for (const PeerReport& peer : report.peers) text += peer_text(peer);
    text += line("rate", system::format_rate(traffic.received, traffic.over) + " received, " +
                             system::format_rate(traffic.sent, traffic.over) + " sent; at most " +
                             system::format_rate(ByteCount{report.peak_rate.received}, 1s) + " and " +
                             system::format_rate(ByteCount{report.peak_rate.sent}, 1s));
    if (report.round_trip) text += line("round trip", inside_text(report));
    text += line("interface", report.interface + ", MTU " + mtu_text(report) +
                                  (report.apart ? ", in a namespace of its own for one program" : ""));
    text += line("addresses", joined(report.addresses));
    text += line("routes", joined(report.routes) + (report.full_tunnel ? " (full tunnel)" : ""));
    if (!report.excluded.empty()) text += line("excluded", joined(report.excluded) + " (not through the tunnel)");
    if (!report.dns.servers.empty()) text += line("dns", dns_text(report.dns, report.pause_left.has_value()));
    text += line("lock", lock_text(report));
    text += line("up for", system::format_duration(report.uptime));
    return text;
}

} // namespace vpn::client
