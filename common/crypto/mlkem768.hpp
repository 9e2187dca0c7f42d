// ML-KEM-768 (FIPS 203), by libsodium: a key agreement that a quantum computer does not undo.
// A private key is the 64 bytes that everything follows from (d, then z: FIPS 203, 7.1); the 2,400 that FIPS 203 writes out are
// made again when one is used. Randomness comes in as an argument, so that vectors can be run through the very code that talks.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/secret.hpp"
#include "common/crypto/x25519.hpp"

namespace vpn::crypto {

using KemPublicKey = ByteArray<1184>;
using KemCiphertext = ByteArray<1088>;
using KemPrivateKey = Secret<64>;
/// The 32 random bytes that one encapsulation draws (m: FIPS 203, 7.2).
using KemCoins = Secret<32>;

KemPublicKey public_key_of(const KemPrivateKey& key);

/// Makes a secret that only the owner of `theirs` gets out of `ciphertext` again. False if `theirs` is no key (a coefficient is
/// not reduced: FIPS 203, 7.2); `ciphertext` and `out` are then zeros.
[[nodiscard]] bool encapsulate(const KemPublicKey& theirs, const KemCoins& coins, KemCiphertext& ciphertext, SharedSecret& out);

/// Never fails: a ciphertext that was not made for this key gives a secret that nobody else has (implicit rejection).
void decapsulate(const KemPrivateKey& ours, const KemCiphertext& ciphertext, SharedSecret& out);

} // namespace vpn::crypto
