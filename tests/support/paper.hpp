// The WireGuard paper (5.4) written down once more, line by line, from hash, HMAC, X25519 and the AEAD alone. It shares no code
// with common/protocol, so that the two can be held against each other; and since every field is in the open here, a test can
// write messages that no honest peer would.
#pragma once

#include "common/crypto/aead.hpp"
#include "common/crypto/blake2s.hpp"
#include "common/crypto/kdf.hpp"
#include "common/crypto/tai64n.hpp"
#include "common/crypto/x25519.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace vpn::support::paper {

inline constexpr std::string_view construction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
inline constexpr std::string_view identifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

using Bytes32 = ByteArray<32>;

inline Bytes32 bytes32(Bytes from) {
    Bytes32 out{};
    copy(from, out);
    return out;
}
inline Bytes32 dh(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs) {
    crypto::SharedSecret shared;
    if (!crypto::agree(ours, theirs, shared)) throw std::invalid_argument("a point of low order");
    return bytes32(shared.view());
}

/// HMAC-BLAKE2s, chained as the paper's KDF_n: tau_0 = HMAC(C, input), tau_i = HMAC(tau_0, tau_{i-1} || i).
inline std::array<Bytes32, 3> kdf(const Bytes32& chain, Bytes input) {
    const Bytes32 tau0 = bytes32(crypto::hmac(chain, {input}).view());
    const ByteArray<1> one{std::byte{1}};
    const ByteArray<1> two{std::byte{2}};
    const ByteArray<1> three{std::byte{3}};
    const Bytes32 tau1 = bytes32(crypto::hmac(tau0, {one}).view());
    const Bytes32 tau2 = bytes32(crypto::hmac(tau0, {tau1, two}).view());
    const Bytes32 tau3 = bytes32(crypto::hmac(tau0, {tau2, three}).view());
    return {tau1, tau2, tau3};
}

/// C and H of the paper, as they stand at one point of the conversation.
struct State {
    Bytes32 chain;
    Bytes32 hash;

    explicit State(const crypto::PublicKey& responder)
        : chain(crypto::hash({bytes_of(construction)})), hash(crypto::hash({chain, bytes_of(identifier)})) {
        mix(responder.bytes);
    }
    void mix(Bytes bytes) { hash = crypto::hash({hash, bytes}); }
    /// C := KDF1(C, input)
    void chain_with(Bytes input) { chain = kdf(chain, input)[0]; }
    /// (C, k) := KDF2(C, input)
    Bytes32 key_from(Bytes input) {
        const auto derived = kdf(chain, input);
        chain = derived[0];
        return derived[1];
    }
    /// msg := AEAD(k, 0, plain, H); H := HASH(H || msg)
    void seal(const Bytes32& key, Bytes plain, MutableBytes out) {
        crypto::seal(crypto::Aead::chacha20_poly1305, crypto::AeadKey(key), 0, plain, hash, out);
        mix(out);
    }
};

inline void store_type(ByteVector& message, std::uint8_t type) { message[0] = static_cast<std::byte>(type); }

/// msg.mac1 := MAC(HASH("mac1----" || S_receiver), all before it). Also what makes a tampered message pass the door.
inline void write_mac1(MutableBytes message, const crypto::PublicKey& receiver) {
    const crypto::Hash key = crypto::hash({bytes_of("mac1----"), receiver.bytes});
    copy(crypto::keyed_mac(key, {message.first(message.size() - 32)}), message.subspan(message.size() - 32, 16));
}
/// msg.mac2 := MAC(cookie, all before it).
inline void write_mac2(MutableBytes message, Bytes cookie) {
    copy(crypto::keyed_mac(cookie, {message.first(message.size() - 16)}), message.last(16));
}

/// What an initiation is made of.
struct Initiation {
    std::uint32_t sender = 0;
    const crypto::PrivateKey& ephemeral;
    const crypto::PrivateKey& static_key;
    const crypto::PublicKey& responder;
    crypto::Tai64n timestamp;
};

/// 5.4.2: 148 bytes, mac1 and all. Gives C and H for the response.
inline std::pair<ByteVector, State> write(const Initiation& from) {
    ByteVector message(148);
    const MutableBytes at(message);
    State state(from.responder);
    store_type(message, 1);
    store_le(message.data() + 4, from.sender);
    const crypto::PublicKey ephemeral = crypto::public_key_of(from.ephemeral);
    const crypto::PublicKey static_key = crypto::public_key_of(from.static_key);
    copy(ephemeral.bytes, at.subspan(8));
    state.chain_with(ephemeral.bytes);
    state.mix(ephemeral.bytes);
    Bytes32 key = state.key_from(dh(from.ephemeral, from.responder));
    state.seal(key, static_key.bytes, at.subspan(40, 48));
    key = state.key_from(dh(from.static_key, from.responder));
    state.seal(key, from.timestamp.bytes, at.subspan(88, 28));
    write_mac1(message, from.responder);
    return {std::move(message), state};
}

/// What a response is made of.
struct Response {
    std::uint32_t sender = 0;
    std::uint32_t receiver = 0;
    const crypto::PrivateKey& ephemeral;
    const crypto::PublicKey& initiator_ephemeral;
    const crypto::PublicKey& initiator;
    const Bytes32& preshared;
};

/// 5.4.3: 92 bytes, mac1 and all. Changes C and H, from which `transport_keys` then come.
inline ByteVector write(const Response& from, State& state) {
    ByteVector message(92);
    const MutableBytes at(message);
    store_type(message, 2);
    store_le(message.data() + 4, from.sender);
    store_le(message.data() + 8, from.receiver);
    const crypto::PublicKey ephemeral = crypto::public_key_of(from.ephemeral);
    copy(ephemeral.bytes, at.subspan(12));
    state.chain_with(ephemeral.bytes);
    state.mix(ephemeral.bytes);
    state.chain_with(dh(from.ephemeral, from.initiator_ephemeral));
    state.chain_with(dh(from.ephemeral, from.initiator));
    const auto [chain, tau, key] = kdf(state.chain, from.preshared);
    state.chain = chain;
    state.mix(tau);
    state.seal(key, {}, at.subspan(44, 16));
    write_mac1(message, from.initiator);
    return message;
}

/// 5.4.5: first the key that the initiator sends with, then the responder's.
inline std::pair<Bytes32, Bytes32> transport_keys(const State& state) {
    const auto derived = kdf(state.chain, {});
    return {derived[0], derived[1]};
}

/// 5.4.6: header, ciphertext of `padded`, tag.
inline ByteVector data(const Bytes32& key, std::uint32_t receiver, std::uint64_t counter, Bytes padded) {
    ByteVector message(16 + padded.size() + 16);
    store_type(message, 4);
    store_le(message.data() + 4, receiver);
    store_le(message.data() + 8, counter);
    crypto::seal(crypto::Aead::chacha20_poly1305, crypto::AeadKey(key), counter, padded, {}, MutableBytes(message).subspan(16));
    return message;
}

} // namespace vpn::support::paper
