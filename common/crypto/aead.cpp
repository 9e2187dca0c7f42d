#include "common/crypto/aead.hpp"

#include "common/crypto/raw.hpp"

#include <sodium/core.h>
#include <sodium/crypto_aead_aegis256.h>
#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_aead_xchacha20poly1305.h>
#include <sodium/runtime.h>

#include <cassert>

namespace vpn::crypto {
namespace {

constexpr std::size_t x_tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

static_assert(tag_size(Aead::chacha20_poly1305) == crypto_aead_chacha20poly1305_ietf_ABYTES);
static_assert(tag_size(Aead::aegis256) == crypto_aead_aegis256_ABYTES);
static_assert(AeadKey::size == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(AeadKey::size == crypto_aead_aegis256_KEYBYTES);
static_assert(sizeof(XNonce) == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);

/// libsodium looks at the processor when it starts; until then AEGIS is a hundred times slower. SystemRandom tells if it can't.
[[maybe_unused]] const int started = sodium_init();

template <std::size_t Size> ByteArray<Size> nonce_of(std::uint64_t counter) {
    ByteArray<Size> nonce{};
    store_le(nonce.data() + Size - sizeof counter, counter);
    return nonce;
}

} // namespace

void seal(Aead aead, const AeadKey& key, std::uint64_t counter, Bytes plaintext, Bytes associated, MutableBytes out) {
    assert(out.size() == plaintext.size() + tag_size(aead));
    if (aead == Aead::aegis256) {
        const auto nonce = nonce_of<crypto_aead_aegis256_NPUBBYTES>(counter);
        crypto_aead_aegis256_encrypt(raw(out.data()), nullptr, raw(plaintext.data()), plaintext.size(), raw(associated.data()),
                                     associated.size(), nullptr, raw(nonce.data()), raw(key.view().data()));
    } else {
        const auto nonce = nonce_of<crypto_aead_chacha20poly1305_ietf_NPUBBYTES>(counter);
        crypto_aead_chacha20poly1305_ietf_encrypt(raw(out.data()), nullptr, raw(plaintext.data()), plaintext.size(),
                                                  raw(associated.data()), associated.size(), nullptr, raw(nonce.data()),
                                                  raw(key.view().data()));
    }
}

bool open(Aead aead, const AeadKey& key, std::uint64_t counter, Bytes sealed, Bytes associated, MutableBytes out) {
    if (sealed.size() < tag_size(aead)) return false;
    assert(out.size() == sealed.size() - tag_size(aead));
    if (aead == Aead::aegis256) {
        const auto nonce = nonce_of<crypto_aead_aegis256_NPUBBYTES>(counter);
        return crypto_aead_aegis256_decrypt(raw(out.data()), nullptr, nullptr, raw(sealed.data()), sealed.size(),
                                            raw(associated.data()), associated.size(), raw(nonce.data()),
                                            raw(key.view().data())) == 0;
    }
    const auto nonce = nonce_of<crypto_aead_chacha20poly1305_ietf_NPUBBYTES>(counter);
    return crypto_aead_chacha20poly1305_ietf_decrypt(raw(out.data()), nullptr, nullptr, raw(sealed.data()), sealed.size(),
                                                     raw(associated.data()), associated.size(), raw(nonce.data()),
                                                     raw(key.view().data())) == 0;
}

bool aegis_is_fast() {
    return sodium_runtime_has_armcrypto() != 0 || (sodium_runtime_has_aesni() != 0 && sodium_runtime_has_avx() != 0);
}

void seal_x(Bytes key32, const XNonce& nonce, Bytes plaintext, Bytes associated, MutableBytes out) {
    assert(key32.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    assert(out.size() == plaintext.size() + x_tag_size);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw(out.data()), nullptr, raw(plaintext.data()), plaintext.size(),
                                               raw(associated.data()), associated.size(), nullptr, raw(nonce.data()),
                                               raw(key32.data()));
}

bool open_x(Bytes key32, const XNonce& nonce, Bytes sealed, Bytes associated, MutableBytes out) {
    assert(key32.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (sealed.size() < x_tag_size) return false;
    assert(out.size() == sealed.size() - x_tag_size);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(raw(out.data()), nullptr, nullptr, raw(sealed.data()), sealed.size(),
                                                      raw(associated.data()), associated.size(), raw(nonce.data()),
                                                      raw(key32.data())) == 0;
}

} // namespace vpn::crypto
