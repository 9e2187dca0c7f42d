// The program that makes /etc/resolv.conf from what everybody tells it: openresolv's or Debian's resolvconf(8).
#pragma once

#include "common/base/result.hpp"
#include "vpn-client/dns/dns_choice.hpp"

#include <string>
#include <string_view>

namespace vpn::client {

ResolvconfKind find_resolvconf();

/// What it knows a connection by. Both kinds put `vpn.` and what follows before the interfaces of the machine's own networks.
std::string resolvconf_record(std::string_view interface);

Result<void> tell_resolvconf(ResolvconfKind kind, const std::string& record, const DnsPlan& plan);
/// None of that name is fine.
void forget_resolvconf(const std::string& record);

} // namespace vpn::client
