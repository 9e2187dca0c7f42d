// The WireGuard paper (5.4) and PROTOCOL 2 written down once more, line by line, from hash, HMAC, X25519, ML-KEM and the AEADs
// alone. It shares no code with common/protocol, so that the two can be held against each other; and since every field is in the
// open here, a test can write messages that no honest peer would.
#pragma once

#include "common/crypto/aead.hpp"
#include "common/crypto/blake2s.hpp"
#include "common/crypto/kdf.hpp"
#include "common/crypto/mlkem768.hpp"
#include "common/crypto/suite.hpp"
#include "common/crypto/tai64n.hpp"
#include "common/crypto/x25519.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace vpn::support::paper {

using crypto::Suite;

/// The first table of PROTOCOL.
inline std::string_view construction(Suite suite) {
    return suite == Suite::hybrid ? "Noise_IKhfs+psk2_25519+MLKEM768_AEGIS256_BLAKE2s" : "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
}
inline std::string_view identifier(Suite suite) {
    return suite == Suite::hybrid ? "vpn hybrid v1" : "WireGuard v1 zx2c4 Jason@zx2c4.com";
}
inline crypto::Aead aead(Suite suite) {
    return suite == Suite::hybrid ? crypto::Aead::aegis256 : crypto::Aead::chacha20_poly1305;
}
inline std::size_t tag(Suite suite) { return suite == Suite::hybrid ? 32 : 16; }

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
    Suite suite;
    Bytes32 chain;
    Bytes32 hash;

    State(Suite the_suite, const crypto::PublicKey& responder)
        : suite(the_suite), chain(crypto::hash({bytes_of(construction(suite))})),
          hash(crypto::hash({chain, bytes_of(identifier(suite))})) {
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
    /// msg := AEAD(k, n, plain, H); H := HASH(H || msg)
    void seal(const Bytes32& key, std::uint64_t n, Bytes plain, MutableBytes out) {
        crypto::seal(aead(suite), crypto::AeadKey(key), n, plain, hash, out);
        mix(out);
    }
    /// The other way. False, and nothing changed, if it doesn't open.
    bool open(const Bytes32& key, std::uint64_t n, Bytes sealed, MutableBytes plain) {
        if (!crypto::open(aead(suite), crypto::AeadKey(key), n, sealed, hash, plain)) return false;
        mix(sealed);
        return true;
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

/// What an initiation is made of. `kem_key` is what stands in the KEM key's place, a key or not; `claimed` is the sender's name
/// where that isn't the static key's.
struct Initiation {
    std::uint32_t sender = 0;
    const crypto::PrivateKey& ephemeral;
    const crypto::PrivateKey& static_key;
    const crypto::PublicKey& responder;
    crypto::Tai64n timestamp;
    Suite suite = Suite::wireguard;
    crypto::KemPublicKey kem_key = {};
    const crypto::PublicKey* claimed = nullptr;
};

/// 5.4.2: 148 bytes, or 1396, mac1 and all. Gives C and H for the response.
inline std::pair<ByteVector, State> write(const Initiation& from) {
    const bool hybrid = from.suite == Suite::hybrid;
    ByteVector message(hybrid ? 1396 : 148);
    const MutableBytes at(message);
    State state(from.suite, from.responder);
    store_type(message, hybrid ? 5 : 1);
    store_le(message.data() + 4, from.sender);
    const crypto::PublicKey ephemeral = crypto::public_key_of(from.ephemeral);
    const crypto::PublicKey static_key = from.claimed != nullptr ? *from.claimed : crypto::public_key_of(from.static_key);
    copy(ephemeral.bytes, at.subspan(8));
    state.chain_with(ephemeral.bytes);
    state.mix(ephemeral.bytes);
    Bytes32 key = state.key_from(dh(from.ephemeral, from.responder));
    if (hybrid) state.seal(key, 0, from.kem_key, at.subspan(40, 1184 + 32));
    state.seal(key, hybrid ? 1 : 0, static_key.bytes, at.subspan(hybrid ? 1256 : 40, 32 + tag(from.suite)));
    key = state.key_from(dh(from.static_key, from.responder));
    state.seal(key, 0, from.timestamp.bytes, at.subspan(hybrid ? 1320 : 88, 12 + tag(from.suite)));
    write_mac1(message, from.responder);
    return {std::move(message), state};
}

/// What the owner of `responder` learns from an initiation: C and H behind it, and its fields. Throws if it doesn't open.
struct Opened {
    State state;
    crypto::PublicKey ephemeral;
    crypto::KemPublicKey kem_key{};
    crypto::PublicKey static_key;
    crypto::Tai64n timestamp;
};
inline Opened read_initiation(Suite suite, Bytes message, const crypto::PrivateKey& responder) {
    const bool hybrid = suite == Suite::hybrid;
    Opened opened{State(suite, crypto::public_key_of(responder)), {bytes32(message.subspan(8, 32))}, {}, {}, {}};
    State& state = opened.state;
    state.chain_with(opened.ephemeral.bytes);
    state.mix(opened.ephemeral.bytes);
    Bytes32 key = state.key_from(dh(responder, opened.ephemeral));
    bool good = !hybrid || state.open(key, 0, message.subspan(40, 1184 + 32), opened.kem_key);
    good = good && state.open(key, hybrid ? 1 : 0, message.subspan(hybrid ? 1256 : 40, 32 + tag(suite)), opened.static_key.bytes);
    key = state.key_from(dh(responder, opened.static_key));
    good = good && state.open(key, 0, message.subspan(hybrid ? 1320 : 88, 12 + tag(suite)), opened.timestamp.bytes);
    if (!good) throw std::invalid_argument("an initiation that doesn't open");
    return opened;
}

/// What a response is made of. `coins` are what the encapsulation draws.
struct Response {
    std::uint32_t sender = 0;
    std::uint32_t receiver = 0;
    const crypto::PrivateKey& ephemeral;
    const crypto::PublicKey& initiator_ephemeral;
    const crypto::PublicKey& initiator;
    const Bytes32& preshared;
    crypto::KemPublicKey initiator_kem_key = {};
    Bytes32 coins = {};
};

/// 5.4.3: 92 bytes, or 1228, mac1 and all. Changes C and H, from which `transport_keys` then come.
inline ByteVector write(const Response& from, State& state) {
    const bool hybrid = state.suite == Suite::hybrid;
    ByteVector message(hybrid ? 1228 : 92);
    const MutableBytes at(message);
    store_type(message, hybrid ? 6 : 2);
    store_le(message.data() + 4, from.sender);
    store_le(message.data() + 8, from.receiver);
    const crypto::PublicKey ephemeral = crypto::public_key_of(from.ephemeral);
    copy(ephemeral.bytes, at.subspan(12));
    state.chain_with(ephemeral.bytes);
    state.mix(ephemeral.bytes);
    Bytes32 key = state.key_from(dh(from.ephemeral, from.initiator_ephemeral));
    if (hybrid) {
        crypto::KemCiphertext ciphertext{};
        crypto::SharedSecret secret;
        if (!crypto::encapsulate(from.initiator_kem_key, crypto::KemCoins(from.coins), ciphertext, secret))
            throw std::invalid_argument("no KEM key");
        state.seal(key, 0, ciphertext, at.subspan(44, 1088 + 32));
        state.chain_with(secret.view());
    }
    state.chain_with(dh(from.ephemeral, from.initiator));
    const auto [chain, tau, last] = kdf(state.chain, from.preshared);
    state.chain = chain;
    state.mix(tau);
    state.seal(last, 0, {}, at.subspan(hybrid ? 1164 : 44, tag(state.suite)));
    write_mac1(message, from.initiator);
    return message;
}

/// What the initiator needs to read a response.
struct Reader {
    const crypto::PrivateKey& ephemeral;
    const crypto::PrivateKey& static_key;
    const crypto::KemPrivateKey& kem;
    const Bytes32& preshared;
};

/// Changes C and H as writing it did. False if it doesn't open.
inline bool read_response(const Reader& reader, Bytes message, State& state) {
    const bool hybrid = state.suite == Suite::hybrid;
    const crypto::PublicKey ephemeral{bytes32(message.subspan(12, 32))};
    state.chain_with(ephemeral.bytes);
    state.mix(ephemeral.bytes);
    const Bytes32 key = state.key_from(dh(reader.ephemeral, ephemeral));
    if (hybrid) {
        crypto::KemCiphertext ciphertext{};
        crypto::SharedSecret secret;
        if (!state.open(key, 0, message.subspan(44, 1088 + 32), ciphertext)) return false;
        crypto::decapsulate(reader.kem, ciphertext, secret);
        state.chain_with(secret.view());
    }
    state.chain_with(dh(reader.static_key, ephemeral));
    const auto [chain, tau, last] = kdf(state.chain, reader.preshared);
    state.chain = chain;
    state.mix(tau);
    return state.open(last, 0, message.subspan(hybrid ? 1164 : 44, tag(state.suite)), {});
}

/// 5.4.5: first the key that the initiator sends with, then the responder's.
inline std::pair<Bytes32, Bytes32> transport_keys(const State& state) {
    const auto derived = kdf(state.chain, {});
    return {derived[0], derived[1]};
}

/// 5.4.6: header, ciphertext of `padded`, tag.
inline ByteVector data(Suite suite, const Bytes32& key, std::uint32_t receiver, std::uint64_t counter, Bytes padded) {
    ByteVector message(16 + padded.size() + tag(suite));
    store_type(message, 4);
    store_le(message.data() + 4, receiver);
    store_le(message.data() + 8, counter);
    crypto::seal(aead(suite), crypto::AeadKey(key), counter, padded, {}, MutableBytes(message).subspan(16));
    return message;
}

} // namespace vpn::support::paper
