// HKDF (RFC 5869) over HMAC-BLAKE2s with a 64-byte block, as Noise and the WireGuard paper (5.4) use it.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/secret.hpp"
#include "common/crypto/blake2s.hpp"

#include <array>

namespace vpn::crypto {

/// A chaining key, or a key made from one.
using DerivedKey = Secret<32>;

/// HMAC-BLAKE2s-256.
DerivedKey hmac(Bytes key, std::initializer_list<Bytes> parts);

/// The first `N` outputs (1 to 3) of HKDF with chaining key `chain` and `input`.
template <std::size_t N> std::array<DerivedKey, N> kdf(const DerivedKey& chain, Bytes input);
extern template std::array<DerivedKey, 1> kdf<1>(const DerivedKey&, Bytes);
extern template std::array<DerivedKey, 2> kdf<2>(const DerivedKey&, Bytes);
extern template std::array<DerivedKey, 3> kdf<3>(const DerivedKey&, Bytes);

} // namespace vpn::crypto
