// What the client's daemons may still do once they run (THREATS, "a bug of our own"): which privileges, files and system calls
// each of them keeps, and why. Refuses to know: how the kernel is told.
#pragma once

#include "common/system/log.hpp"
#include "vpn-client/dns/dns_plan.hpp"

namespace vpn::client {

/// Around a connection's process, before it starts threads; what could not be done is logged. It keeps
/// - the privilege to change the network; the sockets that ask by ICMP whether the tunnel works are there by then;
/// - its own files, the kernel's network settings, and, where name servers are to be set, what holds them;
/// - to start programs, if this machine has a resolvconf that has to be told.
void wall_in_connection(const DnsPlan& dns, const system::Logger& log);

/// Around the process of `vpn-client interface`, which changes that alone and removes the socket beneath `sockets` at the end.
void wall_in_interface(const char* sockets, const system::Logger& log);

} // namespace vpn::client
