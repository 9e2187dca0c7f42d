#include "vpn-server/status_report.hpp"

#include "common/config/fields.hpp"
#include "common/crypto/x25519.hpp"
#include "common/protocol/suite_speed.hpp"
#include "vpn-server/calendar.hpp"
#include "vpn-server/service.hpp"

#include <algorithm>
#include <unordered_map>

namespace vpn::server {
namespace {

using config::Json;

std::int64_t seconds(Duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

enum class Shown : std::uint8_t { all, those_that_were };

Json drops_json(const protocol::DropCounts& drops, std::uint64_t over_connections, Shown shown) {
    Json json = Json::object();
    for (std::size_t i = 0; i < drops.counts.size(); ++i)
        if (shown == Shown::all || drops.counts[i] != 0)
            json.append({std::string(protocol::name_of(static_cast<protocol::Drop>(i))), drops.counts[i]});
    if (shown == Shown::all || over_connections != 0) json.append({std::string(over_connections_name), over_connections});
    return json;
}

Json obstacles_json(const std::vector<Obstacle>& obstacles) {
    Json list = Json::array();
    for (const Obstacle& obstacle : obstacles)
        list.push(Json::object({{"firewall", obstacle.firewall},
                                {"chain", obstacle.chain},
                                {"drops", obstacle.traffic},
                                {"command", obstacle.command}}));
    return list;
}

/// What is well and what is not with the other firewalls of the machine.
void add_firewalls(Json& json, const OtherFirewalls& firewalls) {
    Json exceptions = Json::array();
    for (const std::string& place : firewalls.exceptions) exceptions.push(place);
    json.append({"firewall_exceptions", std::move(exceptions)});
    json.append({"firewall_obstacles", obstacles_json(firewalls.obstacles)});
    json.append({"firewall_trouble", firewalls.trouble.empty() ? Json() : Json(firewalls.trouble)});
}

/// One word: what the peer is.
std::string_view state_of(const PeerActivity& activity, Now now) {
    using enum protocol::Drop;
    if (activity.barred == peer_disabled) return "disabled";
    if (activity.barred == peer_expired) return "expired";
    if (activity.barred == over_quota) return "over-quota";
    return is_online(activity, now) ? "online" : "offline";
}

/// What is not limited is null.
void add_limits(Json& json, const PeerReport& report) {
    const config::PeerLimits& limits = report.peer->limits;
    json.append({"expires", limits.expires ? Json(format_utc(*limits.expires)) : Json()});
    json.append({"quota", limits.quota ? Json(limits.quota->value) : Json()});
    json.append({"quota_used", limits.quota ? Json(report.activity.used.value) : Json()});
    json.append({"rate", limits.rate ? Json(limits.rate->value) : Json()});
}

/// Null for one key alone.
Json old_key_json(const std::optional<OldKeyReport>& old) {
    if (!old) return {};
    return Json::object({{"public_key", old->public_key.to_string()}, {"expires", format_utc(old->expires)}});
}

/// Which of two keys the peer used last. Null for one key alone, and if nobody knows.
Json server_key_json(const PeerActivity& activity, const std::optional<OldKeyReport>& old) {
    if (!old || !activity.own_key) return {};
    return activity.own_key == old->public_key ? "old" : "current";
}

Json peer_json(const PeerReport& report, const std::optional<OldKeyReport>& old_key, Now now) {
    const config::ServerPeer& peer = *report.peer;
    const PeerActivity& activity = report.activity;
    Json last;
    Json age;
    if (activity.last_handshake) {
        last = format_utc(activity.last_handshake->wall);
        age = seconds(now.boot - activity.last_handshake->boot);
    }
    const bool online = is_online(activity, now);
    const bool since_known = online && activity.online_since;
    Json json = Json::object({{"name", peer.name},
                              {"online", online},
                              {"state", state_of(activity, now)},
                              {"online_since", since_known ? Json(format_utc(activity.online_since->wall)) : Json()},
                              {"last_handshake", std::move(last)},
                              {"handshake_age", std::move(age)},
                              {"endpoint", activity.endpoint ? Json(activity.endpoint->to_string()) : Json()},
                              {"addresses", config::text_list(peer.addresses)},
                              {"received", activity.received.value},
                              {"sent", activity.sent.value},
                              {"drops", drops_json(activity.drops, activity.over_connections, Shown::those_that_were)},
                              {"public_key", peer.public_key.to_string()},
                              {"server_key", server_key_json(activity, old_key)},
                              {"has_preshared_key", !peer.preshared_key.is_zero()},
                              {"suite", crypto::name_of(peer.suite)},
                              {"suite_is_slow", protocol::is_slow_here(peer.suite)},
                              {"allowed_ips", config::text_list(peer.allowed_ips)},
                              {"disabled", peer.disabled}});
    add_limits(json, report);
    return json;
}

Json peer_list(std::vector<PeerReport> peers, const std::optional<OldKeyReport>& old_key, Now now) {
    std::stable_partition(peers.begin(), peers.end(), [&](const PeerReport& peer) { return is_online(peer.activity, now); });
    Json list = Json::array();
    for (const PeerReport& peer : peers) list.push(peer_json(peer, old_key, now));
    return list;
}

} // namespace

bool is_online(const PeerActivity& activity, Now now) {
    return !activity.barred && activity.last_handshake && now.boot - activity.last_handshake->boot < online_for;
}

Json status_json(const StatusReport& report, Now now) {
    Json json = Json::object({{"version", 1},
                              {"interface", report.interface},
                              {"config", report.config_file},
                              {"since", format_utc(report.started.wall)},
                              {"uptime", seconds(now.boot - report.started.boot)},
                              {"port", report.port.value},
                              {"public_key", report.public_key.to_string()},
                              {"old_key", old_key_json(report.old_key)},
                              {"mtu", report.mtu},
                              {"peers", peer_list(report.peers, report.old_key, now)},
                              {"drops", drops_json(report.drops, report.over_connections, Shown::all)}});
    add_firewalls(json, report.firewalls);
    return json;
}

Json peers_json(const config::ServerConfig& config, const Usage& usage, const std::vector<Whereabouts>& seen, Now now) {
    std::unordered_map<crypto::PublicKey, std::optional<crypto::PublicKey>> own_keys;
    for (const Whereabouts& each : seen) own_keys[each.peer] = each.own_key;
    std::vector<PeerReport> peers;
    for (const config::ServerPeer& peer : config.peers) {
        const auto kept = usage.find(peer.public_key);
        const ByteCount used = kept != usage.end() ? kept->second : ByteCount{};
        PeerActivity activity;
        activity.barred = why_barred(peer, used, now.wall);
        activity.used = used;
        if (const auto known = own_keys.find(peer.public_key); known != own_keys.end()) activity.own_key = known->second;
        peers.push_back({&peer, activity});
    }
    const auto old_key = old_key_report(config.interface, now.wall);
    return Json::object({{"version", 1},
                         {"public_key", crypto::public_key_of(config.interface.private_key).to_string()},
                         {"old_key", old_key_json(old_key)},
                         {"peers", peer_list(std::move(peers), old_key, now)}});
}

std::optional<OldKeyReport> old_key_report(const config::ServerInterface& interface, Wall now) {
    const auto& old = interface.old_key;
    if (!old || old->expires <= now) return std::nullopt;
    return OldKeyReport{crypto::public_key_of(old->private_key), old->expires};
}

Json keys_json(const config::ServerInterface& interface, Wall now) {
    return Json::object({{"public_key", crypto::public_key_of(interface.private_key).to_string()},
                         {"old_key", old_key_json(old_key_report(interface, now))}});
}

Json keys_document(const Json& status) {
    const Json* old = status.find("old_key");
    Json json = Json::object({{"version", 1}, {"public_key", status.string_at("public_key").value_or("")}});
    if (old == nullptr || old->is_null()) {
        json.set("old_key", Json());
        return json;
    }
    Json used_by = Json::array();
    Json not_seen = Json::array();
    const Json* peers = status.find("peers");
    for (const Json& peer : peers != nullptr && peers->as_array() != nullptr ? *peers->as_array() : Json::Array()) {
        const auto key = peer.string_at("server_key");
        if (key == "old") used_by.push(peer.string_at("name").value_or(""));
        if (!key) not_seen.push(peer.string_at("name").value_or(""));
    }
    json.set("old_key", Json::object({{"public_key", old->string_at("public_key").value_or("")},
                                      {"expires", old->string_at("expires").value_or("")},
                                      {"used_by", std::move(used_by)},
                                      {"not_seen", std::move(not_seen)}}));
    return json;
}

} // namespace vpn::server
