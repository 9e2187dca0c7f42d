#include "vpn-server/metrics.hpp"

#include "vpn-server/exposition.hpp"

#include <algorithm>

namespace vpn::server {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::uint64_t online_count(const StatusReport& report, Now now) {
    const auto online = [now](const PeerReport& peer) { return is_online(peer.activity, now); };
    return static_cast<std::uint64_t>(std::count_if(report.peers.begin(), report.peers.end(), online));
}

/// Requires: there is one.
std::uint64_t count_on_old_key(const StatusReport& report) {
    const auto uses_it = [&](const PeerReport& peer) { return peer.activity.own_key == report.old_key->public_key; };
    return static_cast<std::uint64_t>(std::count_if(report.peers.begin(), report.peers.end(), uses_it));
}

void tell_server(Exposition& out, const StatusReport& report, const Load& load, Now now) {
    out.gauge("vpn_build_info", "The program and its interface; always 1.");
    out.sample({{"version", VPN_VERSION}, {"interface", report.interface}}, std::uint64_t{1});
    out.gauge("vpn_start_time_seconds", "When the server started, in seconds since 1970.");
    out.sample({}, seconds(report.started.wall.time_since_epoch()));
    out.gauge("vpn_peers", "Peers in the file.");
    out.sample({}, std::uint64_t{report.peers.size()});
    out.gauge("vpn_peers_online", "Peers with a handshake in the last three minutes.");
    out.sample({}, online_count(report, now));
    if (report.old_key) {
        out.gauge("vpn_old_key_end_timestamp_seconds", "When the server's old key ends, in seconds since 1970.");
        out.sample({}, seconds(report.old_key->expires.time_since_epoch()));
        out.gauge("vpn_peers_on_old_key", "Peers that used the server's old key last.");
        out.sample({}, count_on_old_key(report));
    }
    out.counter("vpn_handshakes_total", "Handshakes that were completed.");
    out.sample({}, load.handshakes);
}

void tell_load(Exposition& out, const Load& load) {
    out.gauge("vpn_handshake_queue_depth", "Handshake messages that wait to be looked at.");
    out.sample({}, std::uint64_t{load.queues.handshakes});
    out.gauge("vpn_handshake_queue_capacity", "Handshake messages that can wait; more are dropped.");
    out.sample({}, std::uint64_t{load.queues.handshakes_max});
    out.gauge("vpn_cookie_reply_queue_depth", "Cookie replies that wait to be looked at.");
    out.sample({}, std::uint64_t{load.queues.cookie_replies});
    out.gauge("vpn_staged_packets", "Packets that wait for a session with their peer.");
    out.sample({}, std::uint64_t{load.queues.staged_packets});
    out.counter("vpn_thread_cpu_seconds_total", "Processor time by thread.");
    for (const auto& [name, time] : load.threads) out.sample({{"thread", name}}, seconds(time));
}

/// Zeros too, so that a rate has something to start from.
void tell_drops(Exposition& out, const StatusReport& report) {
    const protocol::DropCounts& drops = report.drops;
    out.counter("vpn_drops_total", "Packets that were dropped, by reason.");
    for (std::size_t i = 0; i < drops.counts.size(); ++i)
        out.sample({{"reason", protocol::name_of(static_cast<protocol::Drop>(i))}}, drops.counts[i]);
    out.sample({{"reason", over_connections_name}}, report.over_connections);
}

/// A sample of each peer.
template <class Value> void tell_each(Exposition& out, const StatusReport& report, Value value) {
    for (const PeerReport& peer : report.peers) out.sample({{"peer", peer.peer->name}}, value(peer.activity));
}

void tell_peers(Exposition& out, const StatusReport& report, Now now) {
    out.gauge("vpn_peer_online", "1 for a peer with a handshake in the last three minutes, else 0.");
    tell_each(out, report, [now](const PeerActivity& peer) { return std::uint64_t{is_online(peer, now)}; });
    out.counter("vpn_peer_received_bytes_total", "Bytes of UDP payload from the peer.");
    tell_each(out, report, [](const PeerActivity& peer) { return peer.received.value; });
    out.counter("vpn_peer_sent_bytes_total", "Bytes of UDP payload to the peer.");
    tell_each(out, report, [](const PeerActivity& peer) { return peer.sent.value; });
    out.counter("vpn_peer_handshakes_total", "Handshakes that were completed with the peer.");
    tell_each(out, report, [](const PeerActivity& peer) { return peer.handshakes; });
    out.gauge("vpn_peer_last_handshake_timestamp_seconds", "When the last handshake with the peer was, in seconds since 1970.");
    for (const PeerReport& peer : report.peers)
        if (const auto& last = peer.activity.last_handshake)
            out.sample({{"peer", peer.peer->name}}, seconds(last->wall.time_since_epoch()));
    out.counter("vpn_peer_drops_total", "Packets that were the peer's, or said so, and were dropped, by reason.");
    for (const PeerReport& peer : report.peers) {
        const auto& counts = peer.activity.drops.counts;
        for (std::size_t i = 0; i < counts.size(); ++i)
            if (counts[i] != 0)
                out.sample({{"peer", peer.peer->name}, {"reason", protocol::name_of(static_cast<protocol::Drop>(i))}}, counts[i]);
        if (const std::uint64_t over = peer.activity.over_connections; over != 0)
            out.sample({{"peer", peer.peer->name}, {"reason", over_connections_name}}, over);
    }
}

} // namespace

std::string metrics_text(const StatusReport& report, const Load& load, Now now) {
    Exposition out;
    tell_server(out, report, load, now);
    tell_load(out, load);
    tell_drops(out, report);
    tell_peers(out, report, now);
    return out.take();
}

} // namespace vpn::server
