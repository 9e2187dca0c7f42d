// Whose new connections were dropped because there were too many: what the sets of the server's table count, by address.
// Refuses to know: nft. It is told what that lists.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/result.hpp"
#include "common/config/server_config.hpp"

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace vpn::server {

/// Packets by the address that they came from.
using AddressCounts = std::map<IpAddress, std::uint64_t>;

/// Adds what a set's elements have counted. `json` is what `nft -j list set` prints. Errors: the text is not nft's.
Result<void> add_counts(std::string_view json, AddressCounts& counts);

/// By peer, in the file's order; what is nobody's any more is left out.
std::vector<std::uint64_t> counts_by_peer(const AddressCounts& counts, const config::ServerConfig& config);

/// Of all addresses.
std::uint64_t sum_of(const AddressCounts& counts);

} // namespace vpn::server
