// What the network says of datagrams that we sent: ICMP messages, out of a socket's error queue (ip(7), IP_RECVERR).
// Refuses to know: who sent them, and whom it concerns.
#pragma once

#include "common/system/udp_socket.hpp"

#include <optional>

namespace vpn::system {

/// The next complaint in the socket's error queue. Outer nothing: the queue is empty. Inner nothing: one that we don't
/// understand.
std::optional<std::optional<UnreachableReport>> next_complaint(int fd);

} // namespace vpn::system
