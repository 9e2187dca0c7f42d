// X25519 (RFC 7748), by libsodium.
#pragma once

#include "common/base/random.hpp"
#include "common/crypto/keys.hpp"

namespace vpn::crypto {

/// The result of a key agreement.
using SharedSecret = Secret<32>;

/// A fresh, clamped private key.
PrivateKey generate_private_key(Random& random);
PresharedKey generate_preshared_key(Random& random);
PublicKey public_key_of(const PrivateKey& key);

/// False if the result is all zeros (a point of low order); `out` is then zeros.
[[nodiscard]] bool agree(const PrivateKey& ours, const PublicKey& theirs, SharedSecret& out);

} // namespace vpn::crypto
