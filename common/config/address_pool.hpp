// Which addresses a new peer gets.
// Refuses to know: who holds the others and where that is written.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/result.hpp"
#include "common/config/server_config.hpp"

#include <span>
#include <vector>

namespace vpn::config {

/// One free single host for each family in `networks`, IPv4 first: the first after the server's own in the first network with
/// room. IPv6 takes the same host number as IPv4 where it is free. The network's first address is never given, nor is its
/// last in IPv4. What lies in any of `taken` is not free. Fails if a family has no room left.
Result<std::vector<Prefix>> next_free_addresses(std::span<const Prefix> networks, std::span<const Prefix> own,
                                                std::span<const Prefix> taken);

/// The same for a server's file: what its peers hold is taken, and so are the networks behind them.
Result<std::vector<Prefix>> next_free_addresses(const ServerConfig& config);

} // namespace vpn::config
