#include "common/protocol/handshake.hpp"

namespace vpn::protocol {
namespace {

constexpr std::string_view identifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

noise::FirstMessage<std::byte> noise_part(const InitiationFields<std::byte>& message) {
    return {message.ephemeral(), message.sealed_static(), message.sealed_timestamp()};
}
noise::FirstMessage<const std::byte> noise_part(const InitiationView& message) {
    return {message.ephemeral(), message.sealed_static(), message.sealed_timestamp()};
}

} // namespace

RemoteIdentity::RemoteIdentity(const crypto::PublicKey& key, crypto::PresharedKey preshared, const noise::KeyPair& ours)
    : public_key(key), preshared_key(std::move(preshared)) {
    agree_with(ours);
}

void RemoteIdentity::agree_with(const noise::KeyPair& ours) {
    static_agreement.emplace();
    if (!crypto::agree(ours.private_key, public_key, *static_agreement)) static_agreement.reset();
}

Checked<PendingInitiation> make_initiation(const noise::KeyPair& ours, const RemoteIdentity& peer, LocalIndex index,
                                           const crypto::Tai64n& timestamp, Random& random, MutableBytes out) {
    if (!peer.static_agreement) return dropped(Drop::low_order_key);
    const InitiationFields<std::byte> message = encode_initiation(out, index);
    auto started =
        noise::Initiator::start(bytes_of(identifier), ours, peer.public_key, *peer.static_agreement,
                                noise::KeyPair(crypto::generate_private_key(random)), timestamp.bytes, noise_part(message));
    if (!started) return dropped(started.error());
    return PendingInitiation{index, std::move(*started)};
}

Checked<noise::Responder> read_initiator(const noise::KeyPair& ours, const InitiationView& initiation) {
    return noise::Responder::read_static(bytes_of(identifier), ours, noise_part(initiation));
}

Checked<crypto::Tai64n> read_timestamp(noise::Responder& opened, const RemoteIdentity& peer, const InitiationView& initiation) {
    if (!peer.static_agreement) return dropped(Drop::low_order_key);
    crypto::Tai64n timestamp;
    if (auto read = opened.read_payload(*peer.static_agreement, initiation.sealed_timestamp(), timestamp.bytes); !read)
        return dropped(read.error());
    return timestamp;
}

Checked<SessionKeys> answer_initiation(noise::Responder&& opened, const RemoteIdentity& peer, LocalIndex index,
                                       RemoteIndex receiver, Random& random, MutableBytes out) {
    const ResponseFields<std::byte> message = encode_response(out, index, receiver);
    auto finished = std::move(opened).answer(noise::KeyPair(crypto::generate_private_key(random)), peer.preshared_key, {},
                                             {message.ephemeral(), message.sealed_empty()});
    if (!finished) return dropped(finished.error());
    noise::TransportKeys keys = finished->split();
    return SessionKeys(std::move(keys.responder_to_initiator), std::move(keys.initiator_to_responder));
}

Checked<SessionKeys> read_response(const PendingInitiation& pending, const noise::KeyPair& ours, const RemoteIdentity& peer,
                                   const ResponseView& response) {
    auto finished = pending.noise.finish(ours, peer.preshared_key, {response.ephemeral(), response.sealed_empty()}, {});
    if (!finished) return dropped(finished.error());
    noise::TransportKeys keys = finished->split();
    return SessionKeys(std::move(keys.initiator_to_responder), std::move(keys.responder_to_initiator));
}

} // namespace vpn::protocol
