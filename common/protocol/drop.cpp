#include "common/protocol/drop.hpp"

namespace vpn::protocol {

std::string_view name_of(Drop drop) {
    switch (drop) {
    case Drop::malformed: return "malformed";
    case Drop::bad_mac1: return "bad-mac1";
    case Drop::bad_mac2: return "bad-mac2";
    case Drop::rate_limited: return "rate-limited";
    case Drop::queue_full: return "queue-full";
    case Drop::bad_tag: return "bad-tag";
    case Drop::low_order_key: return "low-order-key";
    case Drop::unknown_peer: return "unknown-peer";
    case Drop::wrong_suite: return "wrong-suite";
    case Drop::peer_disabled: return "disabled-peer";
    case Drop::peer_expired: return "expired-peer";
    case Drop::over_quota: return "over-quota";
    case Drop::old_timestamp: return "old-timestamp";
    case Drop::too_soon: return "too-soon";
    case Drop::unknown_session: return "unknown-session";
    case Drop::replayed: return "replayed";
    case Drop::expired: return "expired";
    case Drop::wrong_source: return "wrong-source";
    case Drop::not_ip: return "not-ip";
    case Drop::no_route: return "no-route";
    case Drop::no_endpoint: return "no-endpoint";
    case Drop::stage_full: return "stage-full";
    case Drop::no_memory: return "no-memory";
    case Drop::congested: return "congested";
    case Drop::over_rate: return "over-rate";
    case Drop::unsent: return "unsent";
    case Drop::undelivered: return "undelivered";
    }
    return "unknown";
}

} // namespace vpn::protocol
