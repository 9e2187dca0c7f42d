#include "common/crypto/aead.hpp"

#include "common/crypto/raw.hpp"

#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_aead_xchacha20poly1305.h>

#include <cassert>

namespace vpn::crypto {
namespace {

static_assert(tag_size == crypto_aead_chacha20poly1305_ietf_ABYTES);
static_assert(tag_size == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(AeadKey::size == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(sizeof(XNonce) == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);

using Nonce = ByteArray<crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

Nonce nonce_of(std::uint64_t counter) {
    Nonce nonce{};
    store_le(nonce.data() + 4, counter);
    return nonce;
}

} // namespace

void seal(const AeadKey& key, std::uint64_t counter, Bytes plaintext, Bytes associated, MutableBytes out) {
    assert(out.size() == plaintext.size() + tag_size);
    const Nonce nonce = nonce_of(counter);
    crypto_aead_chacha20poly1305_ietf_encrypt(raw(out.data()), nullptr, raw(plaintext.data()), plaintext.size(),
                                              raw(associated.data()), associated.size(), nullptr, raw(nonce.data()),
                                              raw(key.view().data()));
}

bool open(const AeadKey& key, std::uint64_t counter, Bytes sealed, Bytes associated, MutableBytes out) {
    if (sealed.size() < tag_size) return false;
    assert(out.size() == sealed.size() - tag_size);
    const Nonce nonce = nonce_of(counter);
    return crypto_aead_chacha20poly1305_ietf_decrypt(raw(out.data()), nullptr, nullptr, raw(sealed.data()), sealed.size(),
                                                     raw(associated.data()), associated.size(), raw(nonce.data()),
                                                     raw(key.view().data())) == 0;
}

void seal_x(Bytes key32, const XNonce& nonce, Bytes plaintext, Bytes associated, MutableBytes out) {
    assert(key32.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    assert(out.size() == plaintext.size() + tag_size);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw(out.data()), nullptr, raw(plaintext.data()), plaintext.size(),
                                               raw(associated.data()), associated.size(), nullptr, raw(nonce.data()),
                                               raw(key32.data()));
}

bool open_x(Bytes key32, const XNonce& nonce, Bytes sealed, Bytes associated, MutableBytes out) {
    assert(key32.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (sealed.size() < tag_size) return false;
    assert(out.size() == sealed.size() - tag_size);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(raw(out.data()), nullptr, nullptr, raw(sealed.data()), sealed.size(),
                                                      raw(associated.data()), associated.size(), raw(nonce.data()),
                                                      raw(key32.data())) == 0;
}

} // namespace vpn::crypto
