// Keys for tests: made from a seeded source, or written down.
#pragma once

#include "common/crypto/x25519.hpp"
#include "common/protocol/noise.hpp"
#include "tests/vectors/hex.hpp"

#include <string_view>

namespace vpn::support {

inline protocol::noise::KeyPair make_pair(Random& random) {
    return protocol::noise::KeyPair(crypto::generate_private_key(random));
}
inline crypto::PrivateKey private_key(std::string_view hex) { return crypto::PrivateKey(vectors::array_from_hex<32>(hex)); }
inline crypto::PublicKey public_key(std::string_view hex) { return {vectors::array_from_hex<32>(hex)}; }
inline crypto::PresharedKey preshared_key(std::string_view hex) { return crypto::PresharedKey(vectors::array_from_hex<32>(hex)); }

/// Points whose product with every clamped scalar is zero (Curve25519's small subgroup, and ways to write it that are not
/// reduced modulo 2^255 - 19).
inline constexpr std::string_view low_order_points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

} // namespace vpn::support
