#include "vpn-server/status_report.hpp"

#include "common/config/fields.hpp"
#include "common/protocol/suite_speed.hpp"
#include "vpn-server/calendar.hpp"

#include <algorithm>

namespace vpn::server {
namespace {

using config::Json;

std::int64_t seconds(Duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

enum class Shown : std::uint8_t { all, those_that_were };

Json drops_json(const protocol::DropCounts& drops, Shown shown) {
    Json json = Json::object();
    for (std::size_t i = 0; i < drops.counts.size(); ++i)
        if (shown == Shown::all || drops.counts[i] != 0)
            json.append({std::string(protocol::name_of(static_cast<protocol::Drop>(i))), drops.counts[i]});
    return json;
}

Json peer_json(const PeerReport& report, Now now) {
    const config::ServerPeer& peer = *report.peer;
    const PeerActivity& activity = report.activity;
    Json last;
    Json age;
    if (activity.last_handshake) {
        last = format_utc(activity.last_handshake->wall);
        age = seconds(now.boot - activity.last_handshake->boot);
    }
    return Json::object({{"name", peer.name},
                         {"online", is_online(activity, now)},
                         {"last_handshake", std::move(last)},
                         {"handshake_age", std::move(age)},
                         {"endpoint", activity.endpoint ? Json(activity.endpoint->to_string()) : Json()},
                         {"addresses", config::text_list(peer.addresses)},
                         {"received", activity.received.value},
                         {"sent", activity.sent.value},
                         {"drops", drops_json(activity.drops, Shown::those_that_were)},
                         {"public_key", peer.public_key.to_string()},
                         {"has_preshared_key", !peer.preshared_key.is_zero()},
                         {"suite", crypto::name_of(peer.suite)},
                         {"suite_is_slow", protocol::is_slow_here(peer.suite)},
                         {"allowed_ips", config::text_list(peer.allowed_ips)},
                         {"disabled", peer.disabled}});
}

Json peer_list(std::vector<PeerReport> peers, Now now) {
    std::stable_partition(peers.begin(), peers.end(), [&](const PeerReport& peer) { return is_online(peer.activity, now); });
    Json list = Json::array();
    for (const PeerReport& peer : peers) list.push(peer_json(peer, now));
    return list;
}

} // namespace

bool is_online(const PeerActivity& activity, Now now) {
    return activity.last_handshake && now.boot - activity.last_handshake->boot < online_for;
}

Json status_json(const StatusReport& report, Now now) {
    return Json::object({{"version", 1},
                         {"interface", report.interface},
                         {"config", report.config_file},
                         {"since", format_utc(report.started.wall)},
                         {"uptime", seconds(now.boot - report.started.boot)},
                         {"port", report.port.value},
                         {"public_key", report.public_key.to_string()},
                         {"mtu", report.mtu},
                         {"peers", peer_list(report.peers, now)},
                         {"drops", drops_json(report.drops, Shown::all)}});
}

Json peers_json(const config::ServerConfig& config) {
    std::vector<PeerReport> peers;
    for (const config::ServerPeer& peer : config.peers) peers.push_back({&peer, {}});
    return Json::object({{"version", 1}, {"peers", peer_list(std::move(peers), {})}});
}

} // namespace vpn::server
