// Congestion marks across the tunnel (RFC 6040): an outer packet bears its inner packet's, and a mark that the outer one met on
// the way is carried in. Refuses to know: how an outer header is read and written.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/path.hpp"

namespace vpn::protocol {

/// What the IP header of `packet` says. Requires: a whole IP header.
[[nodiscard]] Ecn ecn_of(Bytes packet);

/// Marks `packet` with what it and the outer one that it came in say together (RFC 6040 4.2, figure 4); the checksum of an IPv4
/// header follows. False: to be dropped, since a router marked it and its sender would take no notice. Requires: a whole IP
/// header.
[[nodiscard]] bool combine_ecn(MutableBytes packet, Ecn outer);

} // namespace vpn::protocol
