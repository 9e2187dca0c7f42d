// What is told of a tunnel: to who waits for it, to who asks for its status, and to who wonders why it does not work.
#include "common/protocol/suite_speed.hpp"
#include "common/system/clocks.hpp"
#include "common/system/terminal.hpp"
#include "vpn-client/endpoints.hpp"
#include "vpn-client/tunnel.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

/// What has been counted for each of them: one that does not refuse may still answer.
std::uint32_t fewest(const std::map<Endpoint, std::uint32_t>& counts, const std::vector<Endpoint>& endpoints) {
    std::uint32_t least = endpoints.empty() ? 0 : UINT32_MAX;
    for (const Endpoint& each : endpoints) least = std::min(least, counts.contains(each) ? counts.at(each) : 0);
    return least;
}

} // namespace

Evidence Tunnel::evidence() const {
    const tun::PeerStatus status = main_status();
    Evidence evidence;
    evidence.name = file_.origin.name;
    for (const config::HostPort& each : servers_of(main_peer(file_.config)))
        evidence.server += (evidence.server.empty() ? "" : " or ") + each.to_string();
    if (status.endpoint) evidence.endpoint = status.endpoint->to_string();
    if (status.attempt.declined_at) evidence.endpoint = status.attempt.declined_at->to_string();
    evidence.declined = status.attempt.declined_at.has_value();
    evidence.initiations_since_declined = status.attempt.initiations_since_declined;
    evidence.link_mtu = plan_.outer_mtu;
    if (probe_) {
        evidence.heard = probe_->heard();
        evidence.missing = probe_->missing();
    }
    evidence.initiations = status.attempt.initiations;
    evidence.rejected_responses = status.attempt.rejected_responses;
    evidence.cookies = status.attempt.cookies;
    evidence.wrong_suites = status.attempt.wrong_suites;
    evidence.suite = main_peer(file_.config).suite;
    evidence.port_unreachable = fewest(port_unreachable_, roaming_->candidates());
    evidence.host_unreachable = fewest(host_unreachable_, roaming_->candidates());
    evidence.unsent = engine_->drops().of(protocol::Drop::unsent);
    // While we wait for a first answer, one handshake is enough to know that it is not that which fails.
    evidence.handshake = works() ? status.attempt.initiations == 0 : handshake_took_.has_value();
    evidence.has_preshared_key = status.has_preshared_key;
    return evidence;
}

std::string Tunnel::success_line() const {
    const auto endpoint = main_status().endpoint;
    std::string addresses;
    for (const auto& address : plan_.addresses)
        addresses += (addresses.empty() ? "" : ", ") + address.prefix.address().to_string();
    std::string line =
        file_.origin.name + " via " + (endpoint ? endpoint->to_string() : "") + ", handshake " +
        std::to_string(std::chrono::round<std::chrono::milliseconds>(handshake_took_.value_or(Duration::zero())).count()) +
        " ms, address " + addresses;
    if (targets_.none())
        line += " (the file has no probe: the handshake alone counts)";
    else if (!answered_)
        line += " (the probe could not be asked: the handshake alone counts)";
    return line;
}

void Tunnel::pass_verdict(Report& report) const {
    const tun::PeerStatus status = main_status();
    if (!works()) {
        report.state = State::connecting;
        report.because = handshake_took_ ? "waiting for an answer from inside" : "waiting for a handshake";
        return;
    }
    if (status.attempt.initiations > 1) {
        Evidence seen = evidence();
        seen.worked = true;
        const Reason reason = diagnose(seen);
        report.state = State::broken;
        report.reason = token_of(reason);
        report.because = summary_of(reason, seen);
        return;
    }
    report.state = State::connected;
    const Duration age = status.last_handshake ? system::now().boot - status.last_handshake->boot : Duration::zero();
    report.because = status.can_send ? "the server answered a handshake " + (age < 1s ? "just now" : system::format_age(age))
                                     : "idle for " + system::format_duration(age) + ": the next packet makes a new session";
}

PeerReport Tunnel::report_of(const config::ClientPeer& peer) const {
    PeerReport report;
    report.name = peer.name;
    report.public_key = peer.public_key.to_string();
    report.suite = crypto::name_of(peer.suite);
    report.suite_is_slow = protocol::is_slow_here(peer.suite);
    const auto id = engine_->find(peer.public_key);
    const auto status = id ? engine_->peer(*id) : std::nullopt;
    for (const Prefix& prefix : peer.allowed_ips) report.allowed_ips.push_back(prefix.to_string());
    if (!status) return report;
    report.has_preshared_key = status->has_preshared_key;
    if (status->endpoint) report.endpoint = status->endpoint->to_string();
    report.persistent_keepalive = status->persistent_keepalive.count();
    if (status->last_handshake) report.handshake_age = system::now().boot - status->last_handshake->boot;
    report.has_session = status->can_send;
    report.received = status->received;
    report.sent = status->sent;
    return report;
}

DnsReport Tunnel::report_of_dns() const {
    const DnsPlan plan = plan_.apart ? plan_dns_apart(file_.config) : dns_->plan();
    DnsReport report;
    for (const IpAddress& server : plan.servers) report.servers.push_back(server.to_string());
    report.search = plan.search;
    report.routed = plan.routed;
    report.every_name = plan.every_name;
    report.back_end = dns_->back_end();
    report.applied = dns_->stands();
    if (plan_.apart) { // the program's alone, and nobody else's to change
        report.back_end = "a resolv.conf of its own";
        report.applied = true;
    }
    return report;
}

Report Tunnel::report() {
    Report report;
    report.name = file_.origin.name;
    report.file = file_.origin.path;
    report.interface = file_.config.interface.name;
    report.process = ::getpid();
    report.uptime = system::now().boot - started_;
    for (const auto& address : plan_.addresses) report.addresses.push_back(address.prefix.to_string());
    report.mtu = plan_.mtu;
    if (path_mtu_) report.path_mtu = path_mtu_->path();
    report.listen_port = engine_->port().value;
    for (const system::Route& route : plan_.routes) report.routes.push_back(route.destination.to_string());
    for (const Prefix& prefix : all_excluded_ips(file_.config)) report.excluded.push_back(prefix.to_string());
    report.apart = plan_.apart;
    for (const Family family : {Family::v4, Family::v6})
        if (is_full_tunnel(file_.config, family)) report.full_families.emplace_back(family == Family::v4 ? "ipv4" : "ipv6");
    report.full_tunnel = is_full_tunnel(file_.config);
    report.dns = report_of_dns();
    if (lock_) report.lock = !lock_->is_whole() ? LockState::lost : lock_->is_open() ? LockState::paused : LockState::shut;
    if (paused_until_) report.pause_left = std::max(Duration::zero(), *paused_until_ - system::now().boot);
    for (const config::ClientPeer& peer : file_.config.peers) report.peers.push_back(report_of(peer));
    const protocol::DropCounts drops = engine_->drops();
    for (std::size_t i = 0; i < drops.counts.size(); ++i)
        if (drops.counts.at(i) > 0)
            report.drops.push_back({std::string(name_of(static_cast<protocol::Drop>(i))), drops.counts.at(i)});
    report.portal = portal_watch_.portal();
    pass_verdict(report);
    gauges_.tell(report);
    return report;
}

} // namespace vpn::client
