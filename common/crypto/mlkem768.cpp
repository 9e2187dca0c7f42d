#include "common/crypto/mlkem768.hpp"

#include "common/crypto/raw.hpp"

#include <sodium/crypto_kem_mlkem768.h>

#include <cassert>

namespace vpn::crypto {
namespace {

static_assert(sizeof(KemPublicKey) == crypto_kem_mlkem768_PUBLICKEYBYTES);
static_assert(sizeof(KemCiphertext) == crypto_kem_mlkem768_CIPHERTEXTBYTES);
static_assert(KemPrivateKey::size == crypto_kem_mlkem768_SEEDBYTES);
static_assert(SharedSecret::size == crypto_kem_mlkem768_SHAREDSECRETBYTES);

/// The private key as FIPS 203 writes it out.
using ExpandedKey = Secret<crypto_kem_mlkem768_SECRETKEYBYTES>;

KemPublicKey expand(const KemPrivateKey& key, ExpandedKey& expanded) {
    KemPublicKey public_key;
    crypto_kem_mlkem768_seed_keypair(raw(public_key.data()), raw(expanded.mutable_view().data()), raw(key.view().data()));
    return public_key;
}

} // namespace

KemPublicKey public_key_of(const KemPrivateKey& key) {
    ExpandedKey unused;
    return expand(key, unused);
}

bool encapsulate(const KemPublicKey& theirs, const KemCoins& coins, KemCiphertext& ciphertext, SharedSecret& out) {
    const bool made = crypto_kem_mlkem768_enc_deterministic(raw(ciphertext.data()), raw(out.mutable_view().data()),
                                                            raw(theirs.data()), raw(coins.view().data())) == 0;
    if (!made) {
        ciphertext.fill(std::byte{0});
        out.clear();
    }
    return made;
}

void decapsulate(const KemPrivateKey& ours, const KemCiphertext& ciphertext, SharedSecret& out) {
    ExpandedKey expanded;
    expand(ours, expanded);
    [[maybe_unused]] const int failed =
        crypto_kem_mlkem768_dec(raw(out.mutable_view().data()), raw(ciphertext.data()), raw(expanded.view().data()));
    assert(failed == 0); // only for a private key that does not fit its own hash: not one that was just made
}

} // namespace vpn::crypto
