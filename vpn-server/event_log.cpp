#include "vpn-server/event_log.hpp"

#include "vpn-server/status_report.hpp"

#include <chrono>

namespace vpn::server {
namespace {

using protocol::EventKind;

/// An old initiation can be sent again and again, by anybody; a client with another suite tries every five seconds.
constexpr std::chrono::minutes between_lines{1};

std::string where(const tun::PeerStatus& peer) { return peer.endpoint ? peer.endpoint->to_string() : "unknown"; }

std::string_view word_for(EventKind kind) {
    switch (kind) {
    case EventKind::initiation_sent: return "initiation-sent";
    case EventKind::handshake_complete: return "handshake";
    case EventKind::response_rejected: return "response-rejected";
    case EventKind::cookie_received: return "cookie-received";
    case EventKind::gave_up: return "gave-up";
    case EventKind::endpoint_moved: return "peer-moved";
    case EventKind::wrong_suite: return "wrong-suite";
    case EventKind::suite_declined: return "suite-declined";
    case EventKind::clock_behind: return "clock-behind";
    case EventKind::spent: return "peer-over-quota";
    case EventKind::refused: return "peer-refused";
    }
    return "event";
}

} // namespace

void EventLog::tell(EventKind kind, const std::string& name, const tun::PeerStatus& peer, Boot now) {
    switch (kind) {
    case EventKind::handshake_complete: return tell_handshake(name, peer, now);
    case EventKind::clock_behind: return tell_clock(name, now);
    case EventKind::refused: return tell_refusal(name, peer, now);
    case EventKind::spent: return log_.info(word_for(kind), {{"peer", name}});
    case EventKind::wrong_suite: return tell_suite(name, peer.public_key, now);
    case EventKind::endpoint_moved:
        if (last_handshake_.contains(peer.public_key)) // else it has only just come
            log_.info(word_for(kind), {{"peer", name}, {"endpoint", where(peer)}});
        return;
    default: log_.debug(word_for(kind), {{"peer", name}});
    }
}

void EventLog::tell_handshake(const std::string& name, const tun::PeerStatus& peer, Boot now) {
    const auto [last, first] = last_handshake_.try_emplace(peer.public_key, now);
    if (first || now - last->second >= online_for) {
        online_since_[peer.public_key] = peer.last_handshake.value_or(Now{});
        log_.info("peer-online", {{"peer", name}, {"endpoint", where(peer)}});
    } else {
        log_.debug(word_for(EventKind::handshake_complete), {{"peer", name}});
    }
    last->second = now;
}

void EventLog::tell_refusal(const std::string& name, const tun::PeerStatus& peer, Boot now) {
    Boot& next = next_refusal_line_[peer.public_key];
    if (now < next || !peer.barred) return;
    next = now + between_lines;
    log_.info(word_for(EventKind::refused), {{"peer", name}, {"reason", protocol::name_of(*peer.barred)}});
}

std::optional<Now> EventLog::online_since(const crypto::PublicKey& key) const {
    const auto since = online_since_.find(key);
    return since == online_since_.end() ? std::nullopt : std::optional(since->second);
}

void EventLog::tell_clock(const std::string& name, Boot now) {
    if (now < next_clock_line_) return;
    next_clock_line_ = now + between_lines;
    log_.warn(word_for(EventKind::clock_behind),
              {{"peer", name}, {"hint", "its clock went back, or a handshake was replayed; see `vpn-server peer reset`"}});
}

void EventLog::tell_suite(const std::string& name, const crypto::PublicKey& key, Boot now) {
    Boot& next = next_suite_line_[key];
    if (now < next) return;
    next = now + between_lines;
    log_.warn(word_for(EventKind::wrong_suite), {{"peer", name}, {"hint", "its file has the other suite than this server's"}});
}

} // namespace vpn::server
