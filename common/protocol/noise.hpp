// The Noise pattern IKpsk2 (Noise specification 34, 7.5 and 9; WireGuard paper 5.4.2, 5.4.3), and with the KEM's tokens
// IKhfs+psk2 (PROTOCOL 2; HYBRID.md). Ephemerals, prologue and payloads come from outside, so that published vectors can be run
// through the very code that talks. Refuses to know: message layouts, indices, MACs, peers, time.
#pragma once

#include "common/base/bytes.hpp"
#include "common/crypto/kdf.hpp"
#include "common/crypto/keys.hpp"
#include "common/crypto/x25519.hpp"
#include "common/protocol/drop.hpp"
#include "common/protocol/suite.hpp"

#include <optional>
#include <utility>

namespace vpn::protocol::noise {

/// A private key and the public key that belongs to it.
struct KeyPair {
    crypto::PrivateKey private_key;
    crypto::PublicKey public_key;
    explicit KeyPair(crypto::PrivateKey key) : private_key(std::move(key)), public_key(crypto::public_key_of(private_key)) {}
    [[nodiscard]] KeyPair clone() const { return KeyPair(private_key.clone(), public_key); }

  private:
    KeyPair(crypto::PrivateKey key, const crypto::PublicKey& known) : private_key(std::move(key)), public_key(known) {}
};

/// What one side makes up for one handshake. `kem` is there exactly if the suite has a KEM.
template <class KemSecret> struct Ephemeral {
    KeyPair keys;
    std::optional<KemSecret> kem;
};
using InitiatorEphemeral = Ephemeral<crypto::KemPrivateKey>;
using ResponderEphemeral = Ephemeral<crypto::KemCoins>;

/// The two keys that a finished handshake leaves, named by direction. Wiped when they go.
struct TransportKeys {
    crypto::AeadKey initiator_to_responder;
    crypto::AeadKey responder_to_initiator;
};

/// Noise's SymmetricState (5.2): chaining key C, hash h, and the cipher key k with its count of sealed fields.
class SymmetricState {
  public:
    /// Starts a conversation: C = H(construction), h = H(H(C || prologue) || responder).
    SymmetricState(Suite suite, Bytes prologue, const crypto::PublicKey& responder);
    [[nodiscard]] SymmetricState clone() const;
    [[nodiscard]] Suite suite() const { return suite_; }

    void mix_hash(Bytes data);
    /// Token `e` of a psk pattern: h absorbs the key and so does C.
    void mix_ephemeral(const crypto::PublicKey& key);
    /// Tokens `es`, `ee`, `se`: C and k from a key agreement. Errors: low_order_key.
    [[nodiscard]] Checked<void> mix_agreement(const crypto::PrivateKey& ours, const crypto::PublicKey& theirs);
    /// Token `ss`, whose agreement the caller may keep, and what the KEM of `ekem1` agreed on.
    void mix_agreed(const crypto::SharedSecret& secret);
    /// Token `psk`.
    void mix_preshared(const crypto::PresharedKey& key);

    /// Requires: `out` is a tag longer than `plaintext`.
    void seal(Bytes plaintext, MutableBytes out);
    /// Requires: `sealed` is a tag longer than `out`. Errors: bad_tag.
    [[nodiscard]] Checked<void> open(Bytes sealed, MutableBytes out);

    [[nodiscard]] TransportKeys split() const;
    [[nodiscard]] const crypto::Hash& handshake_hash() const { return hash_; }

  private:
    explicit SymmetricState(Suite suite) : suite_(suite) {}
    void mix_key(Bytes input);

    Suite suite_;
    crypto::DerivedKey chain_;
    crypto::Hash hash_{};
    crypto::AeadKey key_;
    std::uint64_t sealed_fields_ = 0;
};

/// Where the fields of the first message are, to write (std::byte) or to read (const std::byte). Each that is sealed is a tag
/// longer than what is in it.
template <class Byte> struct FirstMessage {
    std::span<Byte> ephemeral;      ///< 32 bytes
    std::span<Byte> sealed_kem_key; ///< of 1184, or nothing in a suite without a KEM
    std::span<Byte> sealed_static;  ///< of 32
    std::span<Byte> sealed_payload;
};
/// And those of the second.
template <class Byte> struct SecondMessage {
    std::span<Byte> ephemeral;             ///< 32 bytes
    std::span<Byte> sealed_kem_ciphertext; ///< of 1088, or nothing
    std::span<Byte> sealed_payload;
};

/// The side that speaks first. Kept until the response comes.
class Initiator {
  public:
    /// Writes `e, es, [e1,] s, ss` and the payload. `static_agreement` is DH(ours, responder). Errors: low_order_key.
    [[nodiscard]] static Checked<Initiator> start(Suite suite, Bytes prologue, const KeyPair& ours,
                                                  const crypto::PublicKey& responder,
                                                  const crypto::SharedSecret& static_agreement, InitiatorEphemeral ephemeral,
                                                  Bytes payload, FirstMessage<std::byte> out);
    [[nodiscard]] Suite suite() const { return state_.suite(); }

    /// Reads `e, ee, [ekem1,] se, psk` and the payload; gives the finished state. Works on a copy, so a forged response changes
    /// nothing. Errors: bad_tag, low_order_key.
    [[nodiscard]] Checked<SymmetricState> finish(const KeyPair& ours, const crypto::PresharedKey& preshared,
                                                 SecondMessage<const std::byte> message, MutableBytes payload) const;

  private:
    Initiator(SymmetricState state, InitiatorEphemeral ephemeral) : state_(std::move(state)), ephemeral_(std::move(ephemeral)) {}
    SymmetricState state_;
    InitiatorEphemeral ephemeral_;
};

/// The side that answers, in the order in which it learns things.
class Responder {
  public:
    /// Reads `e, es, [e1,] s`: who claims to speak. Errors: bad_tag, low_order_key.
    [[nodiscard]] static Checked<Responder> read_static(Suite suite, Bytes prologue, const KeyPair& ours,
                                                        const FirstMessage<const std::byte>& message);
    /// The initiator's static key. Proven only once read_payload succeeds.
    [[nodiscard]] const crypto::PublicKey& initiator() const { return initiator_; }

    /// Reads `ss` and the payload. Errors: bad_tag.
    [[nodiscard]] Checked<void> read_payload(const crypto::SharedSecret& static_agreement, Bytes sealed, MutableBytes payload);

    /// Writes `e, ee, [ekem1,] se, psk` and the payload; gives the finished state. Errors: low_order_key; malformed, if what the
    /// initiator sent is no KEM key.
    [[nodiscard]] Checked<SymmetricState> answer(const ResponderEphemeral& ephemeral, const crypto::PresharedKey& preshared,
                                                 Bytes payload, SecondMessage<std::byte> out) &&;
    [[nodiscard]] Suite suite() const { return state_.suite(); }

  private:
    explicit Responder(SymmetricState state) : state_(std::move(state)) {}
    SymmetricState state_;
    crypto::PublicKey initiator_ephemeral_;
    crypto::KemPublicKey initiator_kem_key_{};
    crypto::PublicKey initiator_;
};

} // namespace vpn::protocol::noise
