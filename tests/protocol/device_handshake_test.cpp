// Two devices shake hands (PROTOCOL 2 and 3): what is answered, what is dropped and why, and that a drop changes nothing.
#include "tests/support/paper.hpp"
#include "tests/support/party.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;
using crypto::Tai64n;

namespace {

/// All that may not change when a message is dropped.
struct State {
    std::optional<Path> path;
    SessionPtr previous, current, next;
    Tai64n sent, received;
    std::optional<Boot> deadline;
    std::uint64_t bytes;
    friend bool operator==(const State&, const State&) = default;
};

State state_of(const Party& party, PeerId id) {
    const Peer& peer = *party.device.peer(id);
    const Timestamps stamps = peer.timestamps();
    return {peer.path(),
            peer.keyring().previous(),
            peer.keyring().current(),
            peer.keyring().next(),
            stamps.sent,
            stamps.received,
            party.device.next_deadline(),
            peer.activity()->sent_bytes().value + peer.activity()->received_bytes().value};
}

/// The index that a message names as its sender's.
std::uint32_t sender_of(const ByteVector& message) { return load_le<std::uint32_t>(message.data() + 4); }

void check_dropped(const Checked<void>& result, Drop why) {
    REQUIRE_FALSE(result.has_value());
    CHECK(name_of(result.error()) == name_of(why));
}

} // namespace

TEST_CASE("an initiation goes to the peer's endpoint, the response back to where the initiation came from") {
    Couple couple;
    couple.alice.want_handshake(couple.bob_id);
    auto sent = actions_of<SendDatagram>(couple.alice.out);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].bytes.size() == numbers().initiation);
    CHECK(type_of(sent[0].bytes) == numbers().initiation_type);
    CHECK(sent[0].path == path(Couple::at_bob));
    CHECK(happened(couple.alice.out, EventKind::initiation_sent));
    CHECK(couple.alice.out.timestamps_changed);

    REQUIRE(couple.bob.take(sent[0].bytes, Couple::at_alice));
    CHECK(couple.bob.where(couple.alice_id) == endpoint(Couple::at_alice));
    CHECK(couple.bob.out.timestamps_changed);
    CHECK(count_of<InstallSession>(couple.bob.out) == 1);
    CHECK(count_of<UseSession>(couple.bob.out) == 0); // it never sends on `next`
    sent = actions_of<SendDatagram>(couple.bob.out);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].bytes.size() == numbers().response);
    CHECK(type_of(sent[0].bytes) == numbers().response_type);
    CHECK(sent[0].path == path(Couple::at_alice));
    CHECK_FALSE(happened(couple.bob.out, EventKind::handshake_complete));

    REQUIRE(couple.alice.take(sent[0].bytes, Couple::at_bob));
    CHECK(happened(couple.alice.out, EventKind::handshake_complete));
    const auto used = actions_of<UseSession>(couple.alice.out);
    REQUIRE(used.size() == 1);
    CHECK(used[0].confirm);
    CHECK(used[0].session == couple.alice.device.peer(couple.bob_id)->keyring().current());
    // It may be received on before it is sent on.
    CHECK(std::holds_alternative<UseSession>(couple.alice.out.actions.back()));
    CHECK(couple.alice.device.peer(couple.bob_id)->last_handshake().has_value());
}

TEST_CASE("the responder's session is used, and its handshake complete, only after the first packet") {
    Couple couple;
    REQUIRE(couple.bob.take(couple.initiation(), Couple::at_alice));
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));
    CHECK_FALSE(couple.bob.can_send(couple.alice_id));
    CHECK_FALSE(couple.bob.device.peer(couple.alice_id)->last_handshake().has_value());
    couple.bob.tell(couple.alice_id, Notice::confirmed); // a notice without a packet: nothing
    CHECK(couple.bob.out.actions.empty());
    couple.bob.confirm(couple.alice_id);
    CHECK(couple.bob.can_send(couple.alice_id));
    CHECK(happened(couple.bob.out, EventKind::handshake_complete));
    CHECK(count_of<UseSession>(couple.bob.out) == 1);
    CHECK(couple.bob.device.peer(couple.alice_id)->last_handshake().has_value());
}

TEST_CASE("without an endpoint nothing is sent, and nothing waits for it") {
    Couple couple;
    couple.bob.want_handshake(couple.alice_id);
    CHECK(couple.bob.out.actions.empty());
    CHECK_FALSE(couple.bob.device.next_deadline().has_value());
}

TEST_CASE("an initiation of a stranger is dropped without an answer") {
    Couple couple;
    Party carol(3, couple.clock);
    const PeerId bob_for_carol = carol.meet(couple.bob, Couple::at_bob);
    carol.want_handshake(bob_for_carol);
    check_dropped(couple.bob.take(carol.datagram(), "192.0.2.3:3"), Drop::unknown_peer);
    CHECK(couple.bob.out.actions.empty());
}

TEST_CASE("an initiation is answered once: duplicated it has an old timestamp, and nobody's clock is blamed") {
    Couple couple;
    const ByteVector initiation = couple.initiation();
    REQUIRE(couple.bob.take(initiation, Couple::at_alice));
    couple.clock.advance(1s);
    const State before = state_of(couple.bob, couple.alice_id);
    check_dropped(couple.bob.take(initiation, "198.51.100.66:6"), Drop::old_timestamp);
    CHECK(couple.bob.out.actions.empty());
    CHECK_FALSE(happened(couple.bob.out, EventKind::clock_behind));
    CHECK(state_of(couple.bob, couple.alice_id) == before);
}

TEST_CASE("an initiation older than the last one tells that a clock went back, or that it was replayed") {
    Couple couple;
    const auto write = [&](Duration after) {
        const paper::Initiation initiation{7,
                                           crypto::generate_private_key(couple.alice.random),
                                           couple.alice.key,
                                           couple.bob.name(),
                                           Tai64n::from(couple.clock.now().wall + after),
                                           suite_under_test()};
        return paper::write(initiation).first;
    };
    const ByteVector older = write(0s);
    REQUIRE(couple.bob.take(write(6s), Couple::at_alice));
    couple.clock.advance(1s);
    const State before = state_of(couple.bob, couple.alice_id);
    check_dropped(couple.bob.take(older, Couple::at_alice), Drop::old_timestamp);
    CHECK(happened(couple.bob.out, EventKind::clock_behind));
    CHECK(state_of(couple.bob, couple.alice_id) == before);
}

TEST_CASE("of two initiations within 20 milliseconds the second is dropped, and would be accepted later") {
    Couple couple;
    Party& bob = couple.bob;
    const auto stamp = [&](Duration after) { return Tai64n::from(couple.clock.now().wall + after); };
    const auto write = [&](Tai64n timestamp) {
        const auto ephemeral = crypto::generate_private_key(couple.alice.random);
        const crypto::PublicKey to = bob.name();
        return paper::write(paper::Initiation{7, ephemeral, couple.alice.key, to, timestamp, suite_under_test()}).first;
    };
    REQUIRE(bob.take(write(stamp(0s)), Couple::at_alice));
    const ByteVector second = write(stamp(1s));
    couple.clock.advance(20ms - 1ns);
    const State before = state_of(bob, couple.alice_id);
    check_dropped(bob.take(second, Couple::at_alice), Drop::too_soon);
    CHECK(bob.out.actions.empty());
    CHECK(state_of(bob, couple.alice_id) == before);
    couple.clock.advance(1ns);
    CHECK(bob.take(second, Couple::at_alice).has_value());
}

TEST_CASE(
    "whatever byte of an initiation is changed, with mac1 made right again, nothing changes and the genuine one is answered") {
    Couple couple;
    REQUIRE(couple.shake_hands()); // so that there is something to lose
    couple.clock.advance(6s);
    const ByteVector genuine = couple.initiation();
    const State before = state_of(couple.bob, couple.alice_id);
    for (std::size_t i = 8; i < genuine.size() - 32; ++i) {
        ByteVector forged = genuine;
        forged[i] ^= std::byte{2};
        paper::write_mac1(forged, couple.bob.name());
        if (couple.bob.take(forged, "198.51.100.66:6")) FAIL("byte ", i, " was accepted");
        if (!couple.bob.out.actions.empty()) FAIL("byte ", i, " was answered");
        if (!(state_of(couple.bob, couple.alice_id) == before)) FAIL("byte ", i, " changed something");
    }
    CHECK(couple.bob.take(genuine, Couple::at_alice).has_value());
}

TEST_CASE("whatever byte of a response is changed, with mac1 made right again, nothing changes and the genuine one is taken") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    couple.clock.advance(6s);
    REQUIRE(couple.bob.take(couple.initiation(), Couple::at_alice));
    const ByteVector genuine = couple.bob.datagram();
    const State before = state_of(couple.alice, couple.bob_id);
    for (std::size_t i = 8; i < genuine.size() - 32; ++i) {
        ByteVector forged = genuine;
        forged[i] ^= std::byte{2};
        paper::write_mac1(forged, couple.alice.name());
        const auto taken = couple.alice.take(forged, "198.51.100.66:6");
        if (taken) FAIL("byte ", i, " was accepted");
        if (taken.error() != (i < 12 ? Drop::unknown_session : Drop::bad_tag))
            FAIL("byte ", i, ": ", name_of(taken.error()).data());
        if (!couple.alice.out.actions.empty()) FAIL("byte ", i, " did something");
        if (!(state_of(couple.alice, couple.bob_id) == before)) FAIL("byte ", i, " changed something");
    }
    CHECK(couple.alice.take(genuine, Couple::at_bob).has_value());
}

TEST_CASE("a response is taken once") {
    Couple couple;
    REQUIRE(couple.bob.take(couple.initiation(), Couple::at_alice));
    const ByteVector response = couple.bob.datagram();
    REQUIRE(couple.alice.take(response, Couple::at_bob));
    const State before = state_of(couple.alice, couple.bob_id);
    check_dropped(couple.alice.take(response, "198.51.100.66:6"), Drop::unknown_session);
    CHECK(state_of(couple.alice, couple.bob_id) == before);
}

TEST_CASE("the response to an initiation that was repeated meanwhile is dropped") {
    Couple couple;
    REQUIRE(couple.bob.take(couple.initiation(), Couple::at_alice));
    const ByteVector late = couple.bob.datagram();
    couple.clock.advance(5s + 333ms);
    couple.alice.handle_time();
    REQUIRE(couple.bob.take(couple.alice.datagram(), Couple::at_alice));
    check_dropped(couple.alice.take(late, Couple::at_bob), Drop::unknown_session);
    CHECK(couple.alice.take(couple.bob.datagram(), Couple::at_bob).has_value());
}

TEST_CASE("a peer moves with its initiation, and with its response") {
    Couple couple;
    REQUIRE(couple.bob.take(couple.initiation(), "198.51.100.7:7"));
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.7:7"));
    REQUIRE(couple.alice.take(couple.bob.datagram(), "198.51.100.8:8"));
    CHECK(couple.alice.where(couple.bob_id) == endpoint("198.51.100.8:8"));
}

TEST_CASE("data moves a peer, unless something newer has moved it already") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    const Boot born = couple.bob.device.peer(couple.alice_id)->keyring().current()->born();
    couple.clock.advance(1s);
    couple.bob.move(couple.alice_id, "198.51.100.7:7", born, 10);
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.7:7"));
    CHECK(count_of<SetPath>(couple.bob.out) == 1);
    CHECK(happened(couple.bob.out, EventKind::endpoint_moved));
    couple.bob.move(couple.alice_id, "198.51.100.6:6", born, 9); // overtaken on its way
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.7:7"));
    couple.bob.move(couple.alice_id, "198.51.100.8:8", born, 11);
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.8:8"));

    couple.clock.advance(6s);
    REQUIRE(couple.bob.take(couple.initiation(), "198.51.100.9:9"));
    couple.bob.move(couple.alice_id, "198.51.100.8:8", born, 1'000'000); // of the session before
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.9:9"));
}

TEST_CASE("a counter of a later session counts more than any of an earlier one") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    const Boot first = couple.bob.device.peer(couple.alice_id)->keyring().current()->born();
    couple.bob.move(couple.alice_id, "198.51.100.7:7", first, 1'000'000);
    couple.clock.advance(6s);
    REQUIRE(couple.shake_hands());
    const Boot second = couple.bob.device.peer(couple.alice_id)->keyring().current()->born();
    couple.bob.move(couple.alice_id, "198.51.100.8:8", second, 0);
    CHECK(couple.bob.where(couple.alice_id) == endpoint("198.51.100.8:8"));
}

TEST_CASE("when both begin at once both handshakes end well, and both sides settle on the same session") {
    Couple couple;
    (void)couple.bob.set(Party::config_of(couple.alice.name(), Couple::at_alice));
    const ByteVector from_alice = couple.initiation();
    couple.bob.want_handshake(couple.alice_id);
    const ByteVector from_bob = couple.bob.datagram();
    REQUIRE(couple.bob.take(from_alice, Couple::at_alice));
    const ByteVector to_alice = couple.bob.datagram();
    REQUIRE(couple.alice.take(from_bob, Couple::at_bob));
    const ByteVector to_bob = couple.alice.datagram();
    REQUIRE(couple.alice.take(to_alice, Couple::at_bob));
    REQUIRE(couple.bob.take(to_bob, Couple::at_alice));

    // What one sends on, the other still has: as its `previous`.
    const Keyring& alices = couple.alice.device.peer(couple.bob_id)->keyring();
    const Keyring& bobs = couple.bob.device.peer(couple.alice_id)->keyring();
    CHECK(alices.can_send(couple.clock.boot()));
    CHECK(bobs.can_send(couple.clock.boot()));
    CHECK(alices.current()->remote().value == bobs.previous()->local().value);
    CHECK(bobs.current()->remote().value == alices.previous()->local().value);

    // The first packet of each arrives.
    (void)alices.previous()->confirm();
    (void)bobs.previous()->confirm();
    couple.alice.tell(couple.bob_id, Notice::confirmed);
    couple.bob.tell(couple.alice_id, Notice::confirmed);
    CHECK(count_of<UseSession>(couple.alice.out) + count_of<UseSession>(couple.bob.out) == 1);
    CHECK(alices.current()->remote().value == bobs.current()->local().value);
    CHECK(bobs.current()->remote().value == alices.current()->local().value);
}

TEST_CASE("a data message has no business here") {
    Couple couple;
    ByteVector data(64);
    data[0] = std::byte{4};
    check_dropped(couple.bob.take(data, Couple::at_alice), Drop::malformed);
    check_dropped(couple.bob.take({}, Couple::at_alice), Drop::malformed);
}

TEST_CASE("a handshake that nobody answers is given up after 90 seconds, and what is staged with it") {
    Couple couple;
    const Boot began = couple.clock.boot();
    (void)couple.initiation();
    std::size_t initiations = 1;
    while (const auto deadline = couple.alice.device.next_deadline()) {
        couple.clock.advance_to(*deadline);
        couple.alice.handle_time();
        initiations += couple.alice.datagrams();
        CHECK(couple.alice.datagrams() <= 1);
    }
    CHECK(initiations >= 17);
    CHECK(initiations <= 18);
    CHECK(happened(couple.alice.out, EventKind::gave_up));
    CHECK(count_of<DropStaged>(couple.alice.out) == 1);
    CHECK(couple.clock.boot() >= began + 90s);
    CHECK(couple.clock.boot() < began + 96s);
    CHECK_FALSE(couple.alice.device.peer(couple.bob_id)->attempt().under_way);
}

TEST_CASE("540 seconds after the last handshake all sessions end, and then there is nothing to wake for") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    couple.clock.advance(6s);
    REQUIRE(couple.shake_hands());
    const Boot last = couple.clock.boot();
    for (Party* party : {&couple.alice, &couple.bob}) {
        REQUIRE(party->device.next_deadline() == last + 540s);
        const PeerId id = party == &couple.alice ? couple.bob_id : couple.alice_id;
        CHECK(party->device.peer(id)->keyring().current());
    }
    couple.clock.advance(540s);
    for (Party* party : {&couple.alice, &couple.bob}) {
        const PeerId id = party == &couple.alice ? couple.bob_id : couple.alice_id;
        party->handle_time();
        CHECK(count_of<RetireSession>(party->out) == 2); // current and previous
        CHECK(count_of<UseSession>(party->out) == 1);
        CHECK_FALSE(party->device.peer(id)->keyring().current());
        CHECK_FALSE(party->device.peer(id)->keyring().previous());
        CHECK_FALSE(party->device.next_deadline().has_value());
    }
}

TEST_CASE("indices on the wire are those of the sessions") {
    Couple couple;
    const ByteVector initiation = couple.initiation();
    REQUIRE(couple.bob.take(initiation, Couple::at_alice));
    const ByteVector response = couple.bob.datagram();
    REQUIRE(couple.alice.take(response, Couple::at_bob));
    const Session& alices = *couple.alice.device.peer(couple.bob_id)->keyring().current();
    CHECK(alices.local().value == sender_of(initiation));
    CHECK(alices.remote().value == sender_of(response));
    CHECK(load_le<std::uint32_t>(response.data() + 8) == sender_of(initiation));
}

TEST_CASE("a renewal that is wanted by a packet that has waited for the new session starts no other") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    couple.alice.tell(couple.bob_id, Notice::wants_handshake);
    CHECK(couple.alice.out.actions.empty());
    CHECK_FALSE(couple.alice.device.peer(couple.bob_id)->attempt().under_way);
    couple.clock.advance(120s);
    couple.alice.tell(couple.bob_id, Notice::wants_handshake);
    CHECK(couple.alice.datagrams() == 1);
}
