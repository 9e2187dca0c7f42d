// Authenticated encryption, by libsodium: ChaCha20-Poly1305 (RFC 8439) for handshakes and data of suite `wireguard`,
// XChaCha20-Poly1305 for cookies.
// Refuses to know: nonce discipline; whoever counts owns the counter.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/secret.hpp"

#include <cstdint>

namespace vpn::crypto {

using AeadKey = Secret<32>;
inline constexpr std::size_t tag_size = 16;

/// Encrypts `plaintext` to `out`: ciphertext, then a 16-byte tag. Nonce: 4 zero bytes, then the counter, little-endian.
/// Requires: out.size() == plaintext.size() + tag_size. `out` may start where `plaintext` starts, or not overlap it.
void seal(const AeadKey& key, std::uint64_t counter, Bytes plaintext, Bytes associated, MutableBytes out);

/// Decrypts ciphertext and tag to `out`. False, with `out` unspecified, if the tag is wrong or `sealed` is shorter than a tag.
/// Requires: out.size() == sealed.size() - tag_size. `out` may start where `sealed` starts.
[[nodiscard]] bool open(const AeadKey& key, std::uint64_t counter, Bytes sealed, Bytes associated, MutableBytes out);

using XNonce = ByteArray<24>;
/// XChaCha20-Poly1305 with a random 24-byte nonce; shapes as seal and open.
void seal_x(Bytes key32, const XNonce& nonce, Bytes plaintext, Bytes associated, MutableBytes out);
[[nodiscard]] bool open_x(Bytes key32, const XNonce& nonce, Bytes sealed, Bytes associated, MutableBytes out);

} // namespace vpn::crypto
