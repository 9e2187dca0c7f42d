// The smallest question to a name server (RFC 1035): who serves the root? Any answer will do, a refusal too: somebody is there.
// Pure.
#pragma once

#include "common/base/bytes.hpp"

#include <cstdint>

namespace vpn::client {

ByteVector encode_dns_question(std::uint16_t identifier);

/// `message` answers the question `identifier`.
bool is_dns_answer(Bytes message, std::uint16_t identifier);

} // namespace vpn::client
