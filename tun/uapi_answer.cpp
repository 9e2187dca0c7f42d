#include "tun/uapi_answer.hpp"

#include "common/config/uapi_answer.hpp"

#include <algorithm>
#include <utility>

namespace vpn::tun {
namespace {

config::UapiPeerFacts facts_of(const protocol::Peer& peer, std::vector<Prefix> allowed_ips) {
    return {.public_key = peer.identity().public_key,
            .preshared_key = peer.identity().preshared_key.clone(),
            .endpoint = peer.path() ? std::optional(peer.path()->remote) : std::nullopt,
            .last_handshake = peer.last_handshake() ? std::optional(peer.last_handshake()->wall) : std::nullopt,
            .sent = peer.activity()->sent_bytes(),
            .received = peer.activity()->received_bytes(),
            .persistent_keepalive = std::chrono::duration_cast<std::chrono::seconds>(peer.persistent_keepalive()),
            .allowed_ips = std::move(allowed_ips)};
}

} // namespace

std::string uapi_answer(const Engine& engine, Mark mark) {
    const protocol::Device& conversation = engine.conversation();
    std::vector<protocol::PeerId> ids = conversation.peers();
    std::ranges::sort(ids); // as they came
    std::vector<config::UapiPeerFacts> peers;
    peers.reserve(ids.size());
    for (const protocol::PeerId id : ids) {
        const protocol::Peer& peer = *conversation.peer(id);
        // Who is not served has no prefixes; a program that copied that back would take them from the file.
        if (!peer.barred()) peers.push_back(facts_of(peer, conversation.allowed_ips().of(id)));
    }
    return config::format_uapi_answer({conversation.private_key().clone(), engine.port(), mark}, peers);
}

} // namespace vpn::tun
