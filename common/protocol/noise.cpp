#include "common/protocol/noise.hpp"

namespace vpn::protocol::noise {
namespace {

crypto::PublicKey public_key_from(Bytes bytes) {
    crypto::PublicKey key;
    copy(bytes, key.bytes);
    return key;
}

/// Token `ekem1`, written: the ciphertext sealed under what `ee` left, then its secret mixed in. Errors: malformed.
Checked<void> write_encapsulated(SymmetricState& state, const crypto::KemPublicKey& theirs, const crypto::KemCoins& coins,
                                 MutableBytes out) {
    crypto::KemCiphertext ciphertext{};
    crypto::SharedSecret secret;
    if (!crypto::encapsulate(theirs, coins, ciphertext, secret)) return dropped(Drop::malformed);
    state.seal(ciphertext, out);
    state.mix_agreed(secret);
    return {};
}

/// And read. Errors: bad_tag. A ciphertext that is sealed well and made badly is found out by the payload's tag.
Checked<void> read_encapsulated(SymmetricState& state, const crypto::KemPrivateKey& ours, Bytes sealed) {
    crypto::KemCiphertext ciphertext{};
    if (auto opened = state.open(sealed, ciphertext); !opened) return opened;
    crypto::SharedSecret secret;
    crypto::decapsulate(ours, ciphertext, secret);
    state.mix_agreed(secret);
    return {};
}

} // namespace

SymmetricState::SymmetricState(Suite suite, Bytes prologue, const crypto::PublicKey& responder) : suite_(suite) {
    // Longer than a hash, so it is hashed, not padded (Noise 5.2).
    hash_ = crypto::hash({bytes_of(facts_of(suite).construction)});
    chain_ = crypto::DerivedKey(hash_);
    mix_hash(prologue);
    mix_hash(responder.bytes);
}

SymmetricState SymmetricState::clone() const {
    SymmetricState copy(suite_);
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
    crypto::seal(facts_of(suite_).aead, key_, sealed_fields_++, plaintext, hash_, out);
    mix_hash(out);
}

Checked<void> SymmetricState::open(Bytes sealed, MutableBytes out) {
    if (!crypto::open(facts_of(suite_).aead, key_, sealed_fields_, sealed, hash_, out)) return dropped(Drop::bad_tag);
    ++sealed_fields_;
    mix_hash(sealed);
    return {};
}

TransportKeys SymmetricState::split() const {
    auto [first, second] = crypto::kdf<2>(chain_, {});
    return {std::move(first), std::move(second)};
}

// --- the initiator -----------------------------------------------------------------------------------------------------------

Checked<Initiator> Initiator::start(Suite suite, Bytes prologue, const KeyPair& ours, const crypto::PublicKey& responder,
                                    const crypto::SharedSecret& static_agreement, InitiatorEphemeral ephemeral, Bytes payload,
                                    FirstMessage<std::byte> out) {
    SymmetricState state(suite, prologue, responder);
    copy(ephemeral.keys.public_key.bytes, out.ephemeral);
    state.mix_ephemeral(ephemeral.keys.public_key);
    if (auto mixed = state.mix_agreement(ephemeral.keys.private_key, responder); !mixed) return dropped(mixed.error());
    if (facts_of(suite).has_kem) state.seal(crypto::public_key_of(*ephemeral.kem), out.sealed_kem_key); // e1
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
    if (auto mixed = state.mix_agreement(ephemeral_.keys.private_key, theirs); !mixed) return dropped(mixed.error());
    if (facts_of(suite()).has_kem) // ekem1
        if (auto mixed = read_encapsulated(state, *ephemeral_.kem, message.sealed_kem_ciphertext); !mixed)
            return dropped(mixed.error());
    if (auto mixed = state.mix_agreement(ours.private_key, theirs); !mixed) return dropped(mixed.error());
    state.mix_preshared(preshared);
    if (auto opened = state.open(message.sealed_payload, payload); !opened) return dropped(opened.error());
    return state;
}

// --- the responder -----------------------------------------------------------------------------------------------------------

Checked<Responder> Responder::read_static(Suite suite, Bytes prologue, const KeyPair& ours,
                                          const FirstMessage<const std::byte>& message) {
    Responder responder{SymmetricState(suite, prologue, ours.public_key)};
    SymmetricState& state = responder.state_;
    responder.initiator_ephemeral_ = public_key_from(message.ephemeral);
    state.mix_ephemeral(responder.initiator_ephemeral_);
    if (auto mixed = state.mix_agreement(ours.private_key, responder.initiator_ephemeral_); !mixed) return dropped(mixed.error());
    if (facts_of(suite).has_kem) // e1
        if (auto opened = state.open(message.sealed_kem_key, responder.initiator_kem_key_); !opened)
            return dropped(opened.error());
    if (auto opened = state.open(message.sealed_static, responder.initiator_.bytes); !opened) return dropped(opened.error());
    return responder;
}

Checked<void> Responder::read_payload(const crypto::SharedSecret& static_agreement, Bytes sealed, MutableBytes payload) {
    state_.mix_agreed(static_agreement);
    return state_.open(sealed, payload);
}

Checked<SymmetricState> Responder::answer(const ResponderEphemeral& ephemeral, const crypto::PresharedKey& preshared,
                                          Bytes payload, SecondMessage<std::byte> out) && {
    copy(ephemeral.keys.public_key.bytes, out.ephemeral);
    state_.mix_ephemeral(ephemeral.keys.public_key);
    if (auto mixed = state_.mix_agreement(ephemeral.keys.private_key, initiator_ephemeral_); !mixed)
        return dropped(mixed.error());
    if (facts_of(suite()).has_kem) // ekem1
        if (auto mixed = write_encapsulated(state_, initiator_kem_key_, *ephemeral.kem, out.sealed_kem_ciphertext); !mixed)
            return dropped(mixed.error());
    if (auto mixed = state_.mix_agreement(ephemeral.keys.private_key, initiator_); !mixed) return dropped(mixed.error());
    state_.mix_preshared(preshared);
    state_.seal(payload, out.sealed_payload);
    return std::move(state_);
}

} // namespace vpn::protocol::noise
