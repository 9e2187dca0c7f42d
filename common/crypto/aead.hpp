// Authenticated encryption, by libsodium: ChaCha20-Poly1305 (RFC 8439) and AEGIS-256 (draft-irtf-cfrg-aegis-aead) for handshakes
// and data, XChaCha20-Poly1305 for cookies.
// Refuses to know: which suite takes which, and nonce discipline; whoever counts owns the counter.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/secret.hpp"

#include <cstdint>

namespace vpn::crypto {

enum class Aead : std::uint8_t { chacha20_poly1305, aegis256 };

using AeadKey = Secret<32>;

/// What sealing adds.
constexpr std::size_t tag_size(Aead aead) { return aead == Aead::aegis256 ? 32 : 16; }

/// Encrypts `plaintext` to `out`: ciphertext, then the tag. Nonce: zero bytes, then the counter, little-endian, in the last eight
/// (of 12 with ChaCha20-Poly1305, of 32 with AEGIS-256).
/// Requires: out.size() == plaintext.size() + tag_size(aead). `out` may start where `plaintext` starts, or not overlap it.
void seal(Aead aead, const AeadKey& key, std::uint64_t counter, Bytes plaintext, Bytes associated, MutableBytes out);

/// Decrypts ciphertext and tag to `out`. False, with `out` unspecified, if the tag is wrong or `sealed` is shorter than a tag.
/// Requires: out.size() == sealed.size() - tag_size(aead). `out` may start where `sealed` starts.
[[nodiscard]] bool open(Aead aead, const AeadKey& key, std::uint64_t counter, Bytes sealed, Bytes associated, MutableBytes out);

/// False if this machine has no instructions for AES: AEGIS-256 works all the same, many times slower than ChaCha20-Poly1305.
/// Throws std::runtime_error if libsodium can't start.
[[nodiscard]] bool aegis_is_fast();

using XNonce = ByteArray<24>;
/// XChaCha20-Poly1305 with a random 24-byte nonce and a 16-byte tag; shapes as seal and open.
void seal_x(Bytes key32, const XNonce& nonce, Bytes plaintext, Bytes associated, MutableBytes out);
[[nodiscard]] bool open_x(Bytes key32, const XNonce& nonce, Bytes sealed, Bytes associated, MutableBytes out);

} // namespace vpn::crypto
