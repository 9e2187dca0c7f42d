#include "common/protocol/noise.hpp"

namespace vpn::protocol::noise {
namespace {

constexpr std::string_view construction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

crypto::PublicKey public_key_from(Bytes bytes) {
    crypto::PublicKey key;
    copy(bytes, key.bytes);
    return key;
}

} // namespace

SymmetricState::SymmetricState(Bytes prologue, const crypto::PublicKey& responder) {
    hash_ = crypto::hash({bytes_of(construction)}); // longer than a hash, so it is hashed, not padded (Noise 5.2)
    chain_ = crypto::DerivedKey(hash_);
    mix_hash(prologue);
    mix_hash(responder.bytes);
}

SymmetricState SymmetricState::clone() const {
    SymmetricState copy;
    copy.chain_ = chain_.clone();
    copy.hash_ = hash_;
    copy.key_ = key_.clone();
    copy.sealed_fields_ = sealed_fields_;
    return copy;
}

void SymmetricState::mix_hash(Bytes data) { hash_ = crypto::hash({hash_, data}); }

void SymmetricState::mix_ephemeral(const crypto::PublicKey& key) {
    mix_hash(key.bytes);
    mix_key(key.bytes);
}

Checked<void> SymmetricState::mix_agreement(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs) {
    crypto::SharedSecret secret;
    if (!crypto::agree(ours, theirs, secret)) return dropped(Drop::low_order_key);
    mix_key(secret.view());
    return {};
}

void SymmetricState::mix_agreed(const crypto::SharedSecret& secret) { mix_key(secret.view()); }

void SymmetricState::mix_preshared(const crypto::PresharedKey& key) {
    auto [chain, temporary, cipher] = crypto::kdf<3>(chain_, key.view());
    chain_ = std::move(chain);
    mix_hash(temporary.view());
    key_ = std::move(cipher);
    sealed_fields_ = 0;
}

void SymmetricState::mix_key(Bytes input) {
    auto [chain, cipher] = crypto::kdf<2>(chain_, input);
    chain_ = std::move(chain);
    key_ = std::move(cipher);
    sealed_fields_ = 0;
}

void SymmetricState::seal(Bytes plaintext, MutableBytes out) {
    crypto::seal(crypto::Aead::chacha20_poly1305, key_, sealed_fields_++, plaintext, hash_, out);
    mix_hash(out);
}

Checked<void> SymmetricState::open(Bytes sealed, MutableBytes out) {
    if (!crypto::open(crypto::Aead::chacha20_poly1305, key_, sealed_fields_, sealed, hash_, out)) return dropped(Drop::bad_tag);
    ++sealed_fields_;
    mix_hash(sealed);
    return {};
}

TransportKeys SymmetricState::split() const {
    auto [first, second] = crypto::kdf<2>(chain_, {});
    return {std::move(first), std::move(second)};
}

Checked<Initiator> Initiator::start(Bytes prologue, const KeyPair& ours, const crypto::PublicKey& responder,
                                    const crypto::SharedSecret& static_agreement, KeyPair ephemeral, Bytes payload,
                                    FirstMessage<std::byte> out) {
    SymmetricState state(prologue, responder);
    copy(ephemeral.public_key.bytes, out.ephemeral);
    state.mix_ephemeral(ephemeral.public_key);
    if (auto mixed = state.mix_agreement(ephemeral.private_key, responder); !mixed) return dropped(mixed.error());
    state.seal(ours.public_key.bytes, out.sealed_static);
    state.mix_agreed(static_agreement);
    state.seal(payload, out.sealed_payload);
    return Initiator(std::move(state), std::move(ephemeral));
}

Checked<SymmetricState> Initiator::finish(const KeyPair& ours, const crypto::PresharedKey& preshared,
                                          SecondMessage<const std::byte> message, MutableBytes payload) const {
    SymmetricState state = state_.clone();
    const crypto::PublicKey theirs = public_key_from(message.ephemeral);
    state.mix_ephemeral(theirs);
    if (auto mixed = state.mix_agreement(ephemeral_.private_key, theirs); !mixed) return dropped(mixed.error());
    if (auto mixed = state.mix_agreement(ours.private_key, theirs); !mixed) return dropped(mixed.error());
    state.mix_preshared(preshared);
    if (auto opened = state.open(message.sealed_payload, payload); !opened) return dropped(opened.error());
    return state;
}

Checked<Responder> Responder::read_static(Bytes prologue, const KeyPair& ours, const FirstMessage<const std::byte>& message) {
    Responder responder{SymmetricState(prologue, ours.public_key)};
    responder.initiator_ephemeral_ = public_key_from(message.ephemeral);
    responder.state_.mix_ephemeral(responder.initiator_ephemeral_);
    if (auto mixed = responder.state_.mix_agreement(ours.private_key, responder.initiator_ephemeral_); !mixed)
        return dropped(mixed.error());
    if (auto opened = responder.state_.open(message.sealed_static, responder.initiator_.bytes); !opened)
        return dropped(opened.error());
    return responder;
}

Checked<void> Responder::read_payload(const crypto::SharedSecret& static_agreement, Bytes sealed, MutableBytes payload) {
    state_.mix_agreed(static_agreement);
    return state_.open(sealed, payload);
}

Checked<SymmetricState> Responder::answer(const KeyPair& ephemeral, const crypto::PresharedKey& preshared, Bytes payload,
                                          SecondMessage<std::byte> out) && {
    copy(ephemeral.public_key.bytes, out.ephemeral);
    state_.mix_ephemeral(ephemeral.public_key);
    if (auto mixed = state_.mix_agreement(ephemeral.private_key, initiator_ephemeral_); !mixed) return dropped(mixed.error());
    if (auto mixed = state_.mix_agreement(ephemeral.private_key, initiator_); !mixed) return dropped(mixed.error());
    state_.mix_preshared(preshared);
    state_.seal(payload, out.sealed_payload);
    return std::move(state_);
}

} // namespace vpn::protocol::noise
