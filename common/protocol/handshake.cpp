#include "common/protocol/handshake.hpp"

#include <algorithm>

namespace vpn::protocol {
namespace {

template <class Byte> noise::FirstMessage<Byte> noise_part(const InitiationFields<Byte>& message) {
    return {message.ephemeral(), message.sealed_kem_key(), message.sealed_static(), message.sealed_timestamp()};
}
template <class Byte> noise::SecondMessage<Byte> noise_part(const ResponseFields<Byte>& message) {
    return {message.ephemeral(), message.sealed_kem_ciphertext(), message.sealed_empty()};
}

template <class KemSecret> noise::Ephemeral<KemSecret> draw_ephemeral(Suite suite, Random& random) {
    noise::Ephemeral<KemSecret> drawn{noise::KeyPair(crypto::generate_private_key(random)), std::nullopt};
    if (facts_of(suite).has_kem) random.fill(drawn.kem.emplace().mutable_view());
    return drawn;
}

} // namespace

RemoteIdentity::RemoteIdentity(const crypto::PublicKey& key, crypto::PresharedKey preshared)
    : public_key(key), preshared_key(std::move(preshared)) {}

RemoteIdentity::RemoteIdentity(const crypto::PublicKey& key, crypto::PresharedKey preshared, const noise::KeyPair& ours)
    : RemoteIdentity(key, std::move(preshared)) {
    agree_with(ours);
}

void RemoteIdentity::agree_with(const noise::KeyPair& ours) {
    if (std::ranges::find(agreements_, ours.public_key, &Agreement::ours) != agreements_.end()) return;
    Agreement& made = agreements_.emplace_back(Agreement{ours.public_key, crypto::SharedSecret()});
    if (ours.private_key.is_zero() || !crypto::agree(ours.private_key, public_key, *made.secret)) made.secret.reset();
}

const crypto::SharedSecret* RemoteIdentity::agreement_with(const noise::KeyPair& ours) const {
    const auto found = std::ranges::find(agreements_, ours.public_key, &Agreement::ours);
    return found != agreements_.end() && found->secret ? &*found->secret : nullptr;
}

void RemoteIdentity::forget_agreements_but(const OwnKeys& ours) {
    std::erase_if(agreements_, [&](const Agreement& each) { return ours.find(each.ours) == nullptr; });
}

Checked<PendingInitiation> make_initiation(Suite suite, const noise::KeyPair& ours, const RemoteIdentity& peer, LocalIndex index,
                                           const crypto::Tai64n& timestamp, Random& random, MutableBytes out) {
    const crypto::SharedSecret* agreement = peer.agreement_with(ours);
    if (agreement == nullptr) return dropped(Drop::low_order_key);
    const InitiationFields<std::byte> message = encode_initiation(suite, out, index);
    auto started =
        noise::Initiator::start(suite, bytes_of(facts_of(suite).identifier), ours, peer.public_key, *agreement,
                                draw_ephemeral<crypto::KemPrivateKey>(suite, random), timestamp.bytes, noise_part(message));
    if (!started) return dropped(started.error());
    return PendingInitiation{index, ours.public_key, std::move(*started)};
}

Checked<noise::Responder> read_initiator(const noise::KeyPair& ours, const InitiationView& initiation) {
    return noise::Responder::read_static(initiation.suite, bytes_of(facts_of(initiation.suite).identifier), ours,
                                         noise_part(initiation));
}

Checked<crypto::Tai64n> read_timestamp(noise::Responder& opened, const noise::KeyPair& ours, const RemoteIdentity& peer,
                                       const InitiationView& initiation) {
    const crypto::SharedSecret* agreement = peer.agreement_with(ours);
    if (agreement == nullptr) return dropped(Drop::low_order_key);
    crypto::Tai64n timestamp;
    if (auto read = opened.read_payload(*agreement, initiation.sealed_timestamp(), timestamp.bytes); !read)
        return dropped(read.error());
    return timestamp;
}

Checked<SessionKeys> answer_initiation(noise::Responder&& opened, const RemoteIdentity& peer, LocalIndex index,
                                       RemoteIndex receiver, Random& random, MutableBytes out) {
    const Suite suite = opened.suite();
    const ResponseFields<std::byte> message = encode_response(suite, out, index, receiver);
    auto finished =
        std::move(opened).answer(draw_ephemeral<crypto::KemCoins>(suite, random), peer.preshared_key, {}, noise_part(message));
    if (!finished) return dropped(finished.error());
    noise::TransportKeys keys = finished->split();
    return SessionKeys(suite, std::move(keys.responder_to_initiator), std::move(keys.initiator_to_responder));
}

Checked<SessionKeys> read_response(const PendingInitiation& pending, const noise::KeyPair& ours, const RemoteIdentity& peer,
                                   const ResponseView& response) {
    auto finished = pending.noise.finish(ours, peer.preshared_key, noise_part(response), {});
    if (!finished) return dropped(finished.error());
    noise::TransportKeys keys = finished->split();
    return SessionKeys(response.suite, std::move(keys.initiator_to_responder), std::move(keys.responder_to_initiator));
}

} // namespace vpn::protocol
