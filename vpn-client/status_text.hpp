// A report as people read it: the verdict first, then the facts. Pure.
#pragma once

#include "vpn-client/report.hpp"

#include <string>
#include <vector>

namespace vpn::client {

/// Two reports of one connection tell its speed.
struct Traffic {
    ByteCount received;
    ByteCount sent;
    Duration over{0};
};

/// What passed between the two. Nothing if a counter began anew.
Traffic traffic_between(const Report& earlier, const Report& later);

/// Two small graphs, received and sent, of what passed between looks, the last at the right; each a line with its end.
std::string rate_graph(const std::vector<Traffic>& looks);

/// Several lines, each with its end.
std::string status_text(const Report& report, const Traffic& traffic, bool colour);

} // namespace vpn::client
