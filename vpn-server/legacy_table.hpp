// A table of iptables-legacy, told in the words in which nft would list the same rules, so that both are judged alike.
// What has no such word here, as most matches of iptables's extensions, stays what it is in nft's list too: opaque.
// Refuses to know: how the table is read, and what it does with a packet.
#pragma once

#include "common/base/result.hpp"
#include "common/system/xtables.hpp"
#include "vpn-server/foreign_table.hpp"

namespace vpn::server {

/// Trusts no number in it. Errors: it is not such as the kernel makes.
Result<ForeignTable> legacy_table(const system::Xtable& table);

} // namespace vpn::server
