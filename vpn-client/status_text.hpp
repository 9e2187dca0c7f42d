// A report as people read it: the verdict first, then the facts. Pure.
#pragma once

#include "vpn-client/report.hpp"

#include <string>

namespace vpn::client {

/// Two reports of one connection tell its speed.
struct Traffic {
    ByteCount received;
    ByteCount sent;
    Duration over{0};
};

/// What passed between the two. Nothing if a counter began anew.
Traffic traffic_between(const Report& earlier, const Report& later);

/// Several lines, each with its end.
std::string status_text(const Report& report, const Traffic& traffic, bool colour);

} // namespace vpn::client
