// Initiation and response (PROTOCOL 2; WireGuard paper 5.4.2, 5.4.3): Noise put into WireGuard's messages.
// Works on copies and commits on success: a message that fails has changed nothing.
// Refuses to know: MACs (cookie), timers, which slot a session goes to (keyring), and the clock.
#pragma once

#include "common/base/random.hpp"
#include "common/crypto/tai64n.hpp"
#include "common/protocol/message.hpp"
#include "common/protocol/noise.hpp"
#include "common/protocol/own_keys.hpp"
#include "common/protocol/session_keys.hpp"

#include <optional>
#include <vector>

namespace vpn::protocol {

/// What a handshake needs of the other side.
struct RemoteIdentity {
    crypto::PublicKey public_key;
    crypto::PresharedKey preshared_key;

    /// Without agreements: ten thousand of them would make a start take half a second.
    RemoteIdentity(const crypto::PublicKey& key, crypto::PresharedKey preshared);
    RemoteIdentity(const crypto::PublicKey& key, crypto::PresharedKey preshared, const noise::KeyPair& ours);
    /// Works the agreement with this key of ours out, unless that was done.
    void agree_with(const noise::KeyPair& ours);
    /// DH of both static keys. Null for a low-order key, while we have no key, and before agree_with: such a peer is never
    /// spoken to.
    [[nodiscard]] const crypto::SharedSecret* agreement_with(const noise::KeyPair& ours) const;
    /// Those with keys that we have no more.
    void forget_agreements_but(const OwnKeys& ours);

  private:
    struct Agreement {
        crypto::PublicKey ours;
        std::optional<crypto::SharedSecret> secret;
    };
    std::vector<Agreement> agreements_; ///< two at most, while a key of ours ends
};

/// An initiation that waits for its response.
struct PendingInitiation {
    LocalIndex index;
    crypto::PublicKey ours; ///< by which of our keys
    noise::Initiator noise;
};

/// Fills `out` (initiation_size(suite) bytes) but for its MACs. Errors: low_order_key.
[[nodiscard]] Checked<PendingInitiation> make_initiation(Suite suite, const noise::KeyPair& ours, const RemoteIdentity& peer,
                                                         LocalIndex index, const crypto::Tai64n& timestamp, Random& random,
                                                         MutableBytes out);

/// An initiation opened as far as its sender's name. Requires: mac1 already verified (5.4.4). Errors: bad_tag, low_order_key.
[[nodiscard]] Checked<noise::Responder> read_initiator(const noise::KeyPair& ours, const InitiationView& initiation);

/// And opened to its end, by the same key of ours: proves that `peer` wrote it. Errors: bad_tag; low_order_key for a peer without
/// an agreement with it.
[[nodiscard]] Checked<crypto::Tai64n> read_timestamp(noise::Responder& opened, const noise::KeyPair& ours,
                                                     const RemoteIdentity& peer, const InitiationView& initiation);

/// Fills `out` (response_size of the initiation's suite) but for its MACs, and gives the session's keys.
/// Errors: low_order_key; malformed, if the initiation had no KEM key in its place.
[[nodiscard]] Checked<SessionKeys> answer_initiation(noise::Responder&& opened, const RemoteIdentity& peer, LocalIndex index,
                                                     RemoteIndex receiver, Random& random, MutableBytes out);

/// Finishes our own initiation, by the key that it was made with. Requires: the response is of the same suite.
/// Errors: bad_tag (a wrong preshared key looks like this), low_order_key.
[[nodiscard]] Checked<SessionKeys> read_response(const PendingInitiation& pending, const noise::KeyPair& ours,
                                                 const RemoteIdentity& peer, const ResponseView& response);

} // namespace vpn::protocol
