// HYBRID.md 4: for a time two keys of ours answer, and a peer is spoken to by the one that it used last.
#include "tests/support/party.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view at_alice = "192.0.2.1:1111";
constexpr std::string_view at_bob = "192.0.2.2:2222";
constexpr std::string_view at_carol = "192.0.2.3:3333";
constexpr QueueFill full{512, 4096}; // an eighth

Drop why(const Checked<void>& result) {
    REQUIRE_FALSE(result.has_value());
    return result.error();
}

/// Alice has bob's old public key, carol is handed the new one. Bob learns where they are.
struct Change {
    VirtualClock clock;
    Party alice{1, clock};
    Party bob{2, clock};
    Party carol{3, clock};
    crypto::PublicKey old_name = bob.name();
    crypto::PrivateKey new_key = crypto::generate_private_key(bob.random);
    crypto::PublicKey new_name = crypto::public_key_of(new_key);
    PeerId bob_for_alice = alice.meet(bob, at_bob);
    PeerId alice_id = bob.meet(alice);
    PeerId carol_id = bob.meet(carol);
    PeerId bob_for_carol = *carol.set(Party::config_of(new_name, at_bob));

    void set(OwnKeys keys) {
        bob.out.clear();
        bob.device.set_keys(std::move(keys), clock.now(), bob.out);
    }
    void both_answer() { set(OwnKeys(new_key.clone(), bob.key.clone())); }
    void old_ends() { set(new_key.clone()); }

    /// A handshake that the peer begins.
    bool shake_hands(Party& peer, PeerId bob_id, PeerId id, std::string_view from) {
        peer.want_handshake(bob_id);
        if (peer.datagrams() != 1 || !bob.take(peer.datagram(), from)) return false;
        if (!peer.take(bob.datagram(), at_bob)) return false;
        bob.confirm(id);
        return peer.can_send(bob_id) && bob.can_send(id);
    }
    bool alice_shakes_hands() { return shake_hands(alice, bob_for_alice, alice_id, at_alice); }
    bool carol_shakes_hands() { return shake_hands(carol, bob_for_carol, carol_id, at_carol); }
    [[nodiscard]] std::optional<crypto::PublicKey> used_by(PeerId id) const { return bob.device.peer(id)->own_key(); }
    /// As a data thread asks before it queues anything.
    [[nodiscard]] bool mac1_is_valid(const ByteVector& message) const {
        return bob.device.mac_keys().mac1_is_valid(MacFields<const std::byte>{message});
    }
};

} // namespace

TEST_CASE("a message is ours by the mac1 of either key, and by no other's") {
    Change change;
    change.alice.want_handshake(change.bob_for_alice);
    const ByteVector to_old = change.alice.datagram();
    change.carol.want_handshake(change.bob_for_carol);
    const ByteVector to_new = change.carol.datagram();
    ByteVector to_nobody = to_old;
    MacKeys(change.alice.name()).write_mac1(MacFields<std::byte>{to_nobody});
    CHECK(change.mac1_is_valid(to_old));
    CHECK_FALSE(change.mac1_is_valid(to_new));
    change.both_answer();
    CHECK(change.mac1_is_valid(to_old));
    CHECK(change.mac1_is_valid(to_new));
    CHECK_FALSE(change.mac1_is_valid(to_nobody));
    change.old_ends();
    CHECK_FALSE(change.mac1_is_valid(to_old));
    CHECK(change.mac1_is_valid(to_new));
}

TEST_CASE("while the old key ends, both are answered, and a peer's key is the one that it used last") {
    Change change;
    change.both_answer();
    CHECK(change.bob.name() == change.new_name);
    CHECK_FALSE(change.used_by(change.alice_id).has_value());
    REQUIRE(change.alice_shakes_hands());
    REQUIRE(change.carol_shakes_hands());
    CHECK(change.used_by(change.alice_id) == change.old_name);
    CHECK(change.used_by(change.carol_id) == change.new_name);

    change.clock.advance(10s); // alice is told of the new key
    change.alice.device.remove_peer(change.bob_for_alice, change.clock.now(), change.alice.out);
    change.bob_for_alice = *change.alice.set(Party::config_of(change.new_name, at_bob));
    REQUIRE(change.alice_shakes_hands());
    CHECK(change.used_by(change.alice_id) == change.new_name);
}

TEST_CASE("sessions go on through a change of key, and a handshake that was under way is finished") {
    Change change;
    REQUIRE(change.alice_shakes_hands());
    change.clock.advance(10s);
    change.bob.want_handshake(change.alice_id);
    const ByteVector under_way = change.bob.datagram();
    change.both_answer();
    CHECK(change.bob.out.actions.empty());
    CHECK(change.bob.can_send(change.alice_id));
    REQUIRE(change.alice.take(under_way, at_bob));
    REQUIRE(change.bob.take(change.alice.datagram(), at_alice));
    CHECK(change.bob.can_send(change.alice_id));
    CHECK(change.used_by(change.alice_id) == change.old_name);
}

TEST_CASE("when the old key ends, so does what was agreed by it, and nothing else") {
    Change change;
    change.both_answer();
    REQUIRE(change.alice_shakes_hands());
    REQUIRE(change.carol_shakes_hands());
    change.old_ends();
    CHECK_FALSE(change.bob.can_send(change.alice_id));
    CHECK(change.bob.can_send(change.carol_id));
    CHECK_FALSE(change.used_by(change.alice_id).has_value());
    CHECK(change.used_by(change.carol_id) == change.new_name);
    CHECK(change.carol.can_send(change.bob_for_carol));

    change.clock.advance(10s);
    change.alice.want_handshake(change.bob_for_alice);
    CHECK_FALSE(change.bob.take(change.alice.datagram(), at_alice).has_value());
    CHECK(change.bob.datagrams() == 0);
    CHECK(change.carol_shakes_hands());
}

TEST_CASE("an initiation of ours by a key that ends waits for no answer any more") {
    Change change;
    change.both_answer();
    REQUIRE(change.alice_shakes_hands());
    change.clock.advance(10s);
    change.bob.want_handshake(change.alice_id);
    REQUIRE(change.alice.take(change.bob.datagram(), at_bob));
    const ByteVector answer = change.alice.datagram();
    change.old_ends();
    CHECK(why(change.bob.take(answer, at_alice)) == Drop::unknown_session);
    CHECK_FALSE(change.bob.can_send(change.alice_id));
}

TEST_CASE("we begin a handshake by the key that the peer used last") {
    Change change;
    change.both_answer();
    REQUIRE(change.alice_shakes_hands());
    REQUIRE(change.carol_shakes_hands());
    change.clock.advance(10s);
    change.bob.want_handshake(change.alice_id);
    REQUIRE(change.alice.take(change.bob.datagram(), at_bob));
    CHECK(change.bob.take(change.alice.datagram(), at_alice));
    change.bob.want_handshake(change.carol_id);
    REQUIRE(change.carol.take(change.bob.datagram(), at_bob));
    CHECK(change.bob.take(change.carol.datagram(), at_carol));
}

TEST_CASE("who has not spoken yet is spoken to by the old key, unless what was kept of it says otherwise") {
    Change change;
    change.both_answer();
    change.bob.device.set_endpoint(change.alice_id, endpoint(at_alice), change.clock.now(), change.bob.out);
    change.bob.device.set_endpoint(change.carol_id, endpoint(at_carol), change.clock.now(), change.bob.out);
    change.bob.device.restore_own_key(change.carol_id, change.new_name);
    change.bob.want_handshake(change.alice_id);
    REQUIRE(change.alice.take(change.bob.datagram(), at_bob));
    REQUIRE(change.bob.take(change.alice.datagram(), at_alice));
    change.bob.want_handshake(change.carol_id);
    REQUIRE(change.carol.take(change.bob.datagram(), at_bob));
    REQUIRE(change.bob.take(change.carol.datagram(), at_carol));
    CHECK(change.used_by(change.alice_id) == change.old_name);
    CHECK(change.used_by(change.carol_id) == change.new_name);
}

TEST_CASE("a key that was kept of a peer and is no more ours is not taken over, and the current one used") {
    Change change;
    change.old_ends();
    change.bob.device.set_endpoint(change.carol_id, endpoint(at_carol), change.clock.now(), change.bob.out);
    change.bob.device.restore_own_key(change.carol_id, change.old_name);
    CHECK_FALSE(change.used_by(change.carol_id).has_value());
    change.bob.want_handshake(change.carol_id);
    REQUIRE(change.carol.take(change.bob.datagram(), at_bob));
    CHECK(change.bob.take(change.carol.datagram(), at_carol));
}

TEST_CASE("an attempt that began by the old key goes on by the new one when the old one ends") {
    Change change;
    change.both_answer();
    change.bob.device.set_endpoint(change.carol_id, endpoint(at_carol), change.clock.now(), change.bob.out);
    change.bob.want_handshake(change.carol_id); // by the old key: carol does not know it
    CHECK_FALSE(change.carol.take(change.bob.datagram(), at_bob).has_value());
    change.old_ends();
    change.clock.advance(6s);
    change.bob.handle_time();
    REQUIRE(change.bob.datagrams() == 1);
    REQUIRE(change.carol.take(change.bob.datagram(), at_bob));
    CHECK(change.bob.take(change.carol.datagram(), at_carol));
}

TEST_CASE(
    "who was told of the new key and only answers is reached by every second initiation, and who has the old one by the others") {
    Change change;
    change.both_answer();
    change.bob.device.set_endpoint(change.carol_id, endpoint(at_carol), change.clock.now(), change.bob.out);
    change.bob.want_handshake(change.carol_id);
    CHECK_FALSE(change.carol.take(change.bob.datagram(), at_bob).has_value());
    change.clock.advance(6s);
    change.bob.handle_time();
    REQUIRE(change.carol.take(change.bob.datagram(), at_bob));
    CHECK(change.bob.take(change.carol.datagram(), at_carol));
    CHECK(change.used_by(change.carol_id) == change.new_name);

    change.bob.device.set_endpoint(change.alice_id, endpoint(at_alice), change.clock.now(), change.bob.out);
    change.bob.want_handshake(change.alice_id);
    static_cast<void>(change.bob.datagram()); // lost on the way
    for (const bool taken : {false, true}) {
        change.clock.advance(6s);
        change.bob.handle_time();
        CHECK(change.alice.take(change.bob.datagram(), at_bob).has_value() == taken);
    }
}

TEST_CASE("under load a cookie reply is sealed for the key that was meant, and its cookie opens the way to that key") {
    Change change;
    change.both_answer();
    change.alice.want_handshake(change.bob_for_alice);
    CHECK(why(change.bob.take(change.alice.datagram(), at_alice, full)) == Drop::bad_mac2);
    REQUIRE(change.alice.take(change.bob.datagram(), at_bob));
    change.carol.want_handshake(change.bob_for_carol);
    CHECK(why(change.bob.take(change.carol.datagram(), at_carol, full)) == Drop::bad_mac2);
    REQUIRE(change.carol.take(change.bob.datagram(), at_bob));
    change.clock.advance(5s + 333ms);
    change.alice.handle_time();
    REQUIRE(change.bob.take(change.alice.datagram(), at_alice, full));
    CHECK(change.alice.take(change.bob.datagram(), at_bob));
    change.carol.handle_time();
    REQUIRE(change.bob.take(change.carol.datagram(), at_carol, full));
    CHECK(change.carol.take(change.bob.datagram(), at_bob));
}

TEST_CASE("a replay of what was said to the old key does not make it the peer's again") {
    Change change;
    change.both_answer();
    change.alice.want_handshake(change.bob_for_alice);
    const ByteVector old_one = change.alice.datagram();
    REQUIRE(change.bob.take(old_one, at_alice));
    change.clock.advance(10s);
    change.alice.device.remove_peer(change.bob_for_alice, change.clock.now(), change.alice.out);
    change.bob_for_alice = *change.alice.set(Party::config_of(change.new_name, at_bob));
    REQUIRE(change.alice_shakes_hands());
    CHECK(why(change.bob.take(old_one, at_alice)) == Drop::old_timestamp);
    CHECK(change.used_by(change.alice_id) == change.new_name);
}

TEST_CASE("a message made for one key is not opened by the other, whichever mac1 is put on it") {
    Change change;
    change.both_answer();
    change.alice.want_handshake(change.bob_for_alice);
    ByteVector message = change.alice.datagram();
    MacKeys(change.new_name).write_mac1(MacFields<std::byte>{message});
    REQUIRE(change.mac1_is_valid(message));
    CHECK(why(change.bob.take(message, at_alice)) == Drop::bad_tag);
    CHECK_FALSE(change.used_by(change.alice_id).has_value());
}

TEST_CASE("neither key of ours is a peer, and what was one is removed") {
    Change change;
    change.alice.out.clear();
    const PeerId new_bob = *change.alice.set(Party::config_of(change.new_name));
    change.alice.device.set_keys(OwnKeys(change.alice.key.clone(), change.new_key.clone()), change.clock.now(), change.alice.out);
    CHECK(change.alice.device.peer(new_bob) == nullptr);
    CHECK_FALSE(change.alice.set(Party::config_of(change.new_name)).has_value());
    PeerChange again;
    again.public_key = change.new_name;
    CHECK_FALSE(change.alice.device.change_peer(std::move(again), change.clock.now(), change.alice.out).has_value());
}

TEST_CASE("an old key that is none, or the current one again, is none; and without a key there is no old one") {
    SeededRandom random(7);
    const crypto::PrivateKey one = crypto::generate_private_key(random);
    CHECK(OwnKeys(one.clone(), {}).old() == nullptr);
    CHECK(OwnKeys(one.clone(), one.clone()).old() == nullptr);
    CHECK(OwnKeys({}, one.clone()).old() == nullptr);
    const OwnKeys both(one.clone(), crypto::generate_private_key(random));
    REQUIRE(both.old() != nullptr);
    CHECK(both.find(both.current().public_key) == &both.current());
    CHECK(both.find(both.old()->public_key) == both.old());
    CHECK(both.find(crypto::PublicKey{}) == nullptr);
    CHECK_FALSE(both == OwnKeys(one.clone()));
    CHECK(OwnKeys(one.clone()) == OwnKeys(one.clone()));
}
