// The server's state as numbers over time, for Prometheus (vpn-server(8), METRICS). Names and meanings stay; more may come.
// Refuses to know: who asks, and where the numbers come from. Neither keys nor addresses are told, but peers' names are.
#pragma once

#include "tun/engine.hpp"
#include "vpn-server/status_report.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace vpn::server {

/// What a status does not tell.
struct Load {
    std::uint64_t handshakes = 0; ///< completed since the start, those of peers that are gone too
    tun::QueueDepths queues;
    std::map<std::string, Duration> threads; ///< processor time by name
};

std::string metrics_text(const StatusReport& report, const Load& load, Now now);

} // namespace vpn::server
