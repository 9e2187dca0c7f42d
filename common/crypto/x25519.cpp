#include "common/crypto/x25519.hpp"

#include "common/crypto/raw.hpp"

#include <sodium/crypto_scalarmult_curve25519.h>

namespace vpn::crypto {
namespace {

/// RFC 7748, 5: a multiple of the cofactor, with the highest bit of 255 set.
void clamp(std::span<std::byte, key_size> scalar) {
    scalar.front() &= std::byte{0xf8};
    scalar.back() &= std::byte{0x7f};
    scalar.back() |= std::byte{0x40};
}

} // namespace

PrivateKey generate_private_key(Random& random) {
    PrivateKey key;
    random.fill(key.mutable_view());
    clamp(key.mutable_view());
    return key;
}

PresharedKey generate_preshared_key(Random& random) {
    PresharedKey key;
    random.fill(key.mutable_view());
    return key;
}

PublicKey public_key_of(const PrivateKey& key) {
    PublicKey result;
    crypto_scalarmult_curve25519_base(raw(result.bytes.data()), raw(key.view().data()));
    return result;
}

bool agree(const PrivateKey& ours, const PublicKey& theirs, SharedSecret& out) {
    const bool contributory =
        crypto_scalarmult_curve25519(raw(out.mutable_view().data()), raw(ours.view().data()), raw(theirs.bytes.data())) == 0;
    if (!contributory) out.clear();
    return contributory;
}

} // namespace vpn::crypto
