// A device without a data path: what it decided stays in its outbox, for a test to look at and to carry over by hand.
#pragma once

#include "common/protocol/device.hpp"
#include "tests/support/inner_packet.hpp"
#include "tests/support/keys.hpp"
#include "tests/support/outbox.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/suites.hpp"
#include "tests/support/virtual_clock.hpp"

#include <stdexcept>
#include <string_view>

namespace vpn::support {

inline Path path(std::string_view remote) { return {endpoint(remote), {}}; }

class Party {
  public:
    Party(std::uint64_t seed, VirtualClock& the_clock)
        : random(seed), clock(the_clock), key(crypto::generate_private_key(random)), device(key.clone(), random) {}

    SeededRandom random;
    VirtualClock& clock;
    crypto::PrivateKey key;
    protocol::Device device;
    /// Of the last call.
    protocol::Outbox out;

    [[nodiscard]] crypto::PublicKey name() const { return device.public_key(); }

    /// A configuration of `other` that says nothing but its key, the suite of this run and, perhaps, where it is.
    [[nodiscard]] static protocol::PeerConfig config_of(const crypto::PublicKey& other, std::string_view where = {}) {
        protocol::PeerConfig config;
        config.public_key = other;
        config.suite = suite_under_test();
        if (!where.empty()) config.endpoint = endpoint(where);
        return config;
    }
    std::optional<protocol::PeerId> set(protocol::PeerConfig config) {
        out.clear();
        return device.set_peer(std::move(config), clock.now(), out);
    }
    protocol::PeerId meet(const Party& other, std::string_view where = {}) { return *set(config_of(other.name(), where)); }

    tl::expected<void, protocol::Drop> take(Bytes datagram, std::string_view from, protocol::QueueFill queue = {}) {
        return take(datagram, path(from), queue);
    }
    tl::expected<void, protocol::Drop> take(Bytes datagram, const Path& from, protocol::QueueFill queue = {}) {
        out.clear();
        return device.handle_handshake(datagram, from, queue, clock.now(), out);
    }
    void want_handshake(protocol::PeerId peer) {
        out.clear();
        device.want_handshake(peer, clock.now(), out);
    }
    void tell(protocol::PeerId peer, protocol::Notice notice) {
        out.clear();
        device.handle_notice(peer, notice, clock.now(), out);
    }
    void move(protocol::PeerId peer, std::string_view from, Boot born, std::uint64_t counter) {
        out.clear();
        device.handle_move(peer, path(from), born, counter, clock.now(), out);
    }
    void handle_time() {
        out.clear();
        device.handle_time(clock.now(), out);
    }
    /// Confirms the session that waits in `next`, as its first packet would.
    void confirm(protocol::PeerId peer) {
        const auto& next = device.peer(peer)->keyring().next();
        if (next && next->confirm()) tell(peer, protocol::Notice::confirmed);
    }

    /// The one datagram that is to be sent.
    [[nodiscard]] ByteVector datagram() const {
        const auto sent = actions_of<protocol::SendDatagram>(out);
        if (sent.size() != 1) throw std::logic_error(std::to_string(sent.size()) + " datagrams, not one");
        return sent.front().bytes;
    }
    [[nodiscard]] std::size_t datagrams() const { return count_of<protocol::SendDatagram>(out); }
    [[nodiscard]] std::optional<Endpoint> where(protocol::PeerId peer) const {
        const auto& way = device.peer(peer)->path();
        return way ? std::optional(way->remote) : std::nullopt;
    }
    [[nodiscard]] bool can_send(protocol::PeerId peer) const { return device.peer(peer)->keyring().can_send(clock.boot()); }
    [[nodiscard]] protocol::Timestamps timestamps(protocol::PeerId peer) const { return device.peer(peer)->timestamps(); }
};

/// Two that know each other; `alice` knows where `bob` is.
struct Couple {
    VirtualClock clock;
    Party alice{1001, clock};
    Party bob{2002, clock};
    static constexpr std::string_view at_alice = "192.0.2.1:1111";
    static constexpr std::string_view at_bob = "192.0.2.2:2222";
    protocol::PeerId bob_id = alice.meet(bob, at_bob);
    protocol::PeerId alice_id = bob.meet(alice);

    /// Alice's initiation, on its way.
    ByteVector initiation() {
        alice.want_handshake(bob_id);
        return alice.datagram();
    }
    /// A whole handshake, begun by Alice, with the first packet behind it. False if it went wrong.
    bool shake_hands() {
        if (!bob.take(initiation(), at_alice)) return false;
        if (!alice.take(bob.datagram(), at_bob)) return false;
        bob.confirm(alice_id);
        return alice.can_send(bob_id) && bob.can_send(alice_id);
    }
};

} // namespace vpn::support
