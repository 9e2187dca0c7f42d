// BLAKE2s (RFC 7693), by libb2: a 32-byte hash, and a 16-byte keyed hash as MAC.
#pragma once

#include "common/base/bytes.hpp"

#include <initializer_list>

namespace vpn::crypto {

using Hash = ByteArray<32>;
using Mac = ByteArray<16>;

/// BLAKE2s-256 of the parts, one behind the other.
Hash hash(std::initializer_list<Bytes> parts);

/// BLAKE2s-128 keyed with 1 to 32 bytes, of the parts one behind the other.
Mac keyed_mac(Bytes key, std::initializer_list<Bytes> parts);

} // namespace vpn::crypto
