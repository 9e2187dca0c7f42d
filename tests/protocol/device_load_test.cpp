// PROTOCOL 2 and 3: under load a handshake message costs a cookie, then a place among 20 a second. THREATS: the answer is never
// longer than the question, and a cookie reply moves nobody.
#include "tests/support/party.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

constexpr QueueFill full{512, 4096}; // an eighth
constexpr QueueFill calm{1, 4096};

Drop why(const Checked<void>& result) {
    REQUIRE_FALSE(result.has_value());
    return result.error();
}

} // namespace

TEST_CASE("under load an initiation without a cookie is answered by a cookie reply and nothing else") {
    Couple couple;
    const ByteVector initiation = couple.initiation();
    CHECK(why(couple.bob.take(initiation, Couple::at_alice, full)) == Drop::bad_mac2);
    REQUIRE(couple.bob.out.actions.size() == 1);
    const auto sent = actions_of<SendDatagram>(couple.bob.out);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].bytes.size() == 64);
    CHECK(type_of(sent[0].bytes) == 3);
    CHECK(sent[0].path == path(Couple::at_alice));
    CHECK(load_le<std::uint32_t>(sent[0].bytes.data() + 4) == load_le<std::uint32_t>(initiation.data() + 4));
    CHECK_FALSE(couple.bob.where(couple.alice_id).has_value());
    CHECK(couple.bob.timestamps(couple.alice_id).received == crypto::Tai64n{});
    CHECK_FALSE(couple.bob.device.peer(couple.alice_id)->keyring().next());
}

TEST_CASE("under load strangers are treated the same: nobody's key is looked at before a cookie came back") {
    Couple couple;
    Party carol(3, couple.clock);
    const PeerId bob_for_carol = carol.meet(couple.bob, Couple::at_bob);
    carol.want_handshake(bob_for_carol);
    CHECK(why(couple.bob.take(carol.datagram(), "192.0.2.3:3", full)) == Drop::bad_mac2);
    CHECK(couple.bob.datagrams() == 1);
}

TEST_CASE("with the cookie the next initiation is answered under load") {
    Couple couple;
    (void)couple.bob.take(couple.initiation(), Couple::at_alice, full);
    const ByteVector cookie_reply = couple.bob.datagram();
    REQUIRE(couple.alice.take(cookie_reply, Couple::at_bob));
    CHECK(couple.alice.out.actions.empty()); // stored, never resent early
    CHECK(happened(couple.alice.out, EventKind::cookie_received));
    CHECK(couple.alice.device.peer(couple.bob_id)->attempt().cookies == 1);

    couple.clock.advance(5s + 333ms);
    couple.alice.handle_time();
    REQUIRE(couple.bob.take(couple.alice.datagram(), Couple::at_alice, full));
    CHECK(couple.alice.take(couple.bob.datagram(), Couple::at_bob).has_value());
}

TEST_CASE("a cookie reply never moves a peer, genuine as it may be") {
    Couple couple;
    (void)couple.bob.take(couple.initiation(), Couple::at_alice, full);
    REQUIRE(couple.alice.take(couple.bob.datagram(), "198.51.100.66:6"));
    CHECK(couple.alice.where(couple.bob_id) == endpoint(Couple::at_bob));
    CHECK(count_of<SetPath>(couple.alice.out) == 0);
}

TEST_CASE("a cookie reply changes no deadline") {
    Couple couple;
    (void)couple.bob.take(couple.initiation(), Couple::at_alice, full);
    const auto before = couple.alice.device.next_deadline();
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));
    CHECK(couple.alice.device.next_deadline() == before);
}

TEST_CASE("a cookie reply that is forged, replayed or for nobody is dropped") {
    Couple couple;
    (void)couple.bob.take(couple.initiation(), Couple::at_alice, full);
    const ByteVector genuine = couple.bob.datagram();
    for (std::size_t i = 4; i < 64; ++i) {
        ByteVector forged = genuine;
        forged[i] ^= std::byte{1};
        const Drop reason = why(couple.alice.take(forged, Couple::at_bob));
        if (reason != (i < 8 ? Drop::unknown_session : Drop::bad_tag)) FAIL("byte ", i, ": ", name_of(reason).data());
    }
    CHECK(couple.alice.device.peer(couple.bob_id)->attempt().cookies == 0);
    REQUIRE(couple.alice.take(genuine, Couple::at_bob));
    CHECK(why(couple.alice.take(genuine, Couple::at_bob)) == Drop::bad_tag);
}

TEST_CASE("a cookie from another address or port is answered by another cookie reply") {
    Couple couple;
    (void)couple.bob.take(couple.initiation(), Couple::at_alice, full);
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));
    couple.clock.advance(5s + 333ms);
    couple.alice.handle_time();
    const ByteVector initiation = couple.alice.datagram();
    for (const std::string_view elsewhere : {"192.0.2.1:1112", "192.0.2.3:1111", "[2001:db8::1]:1111"}) {
        CHECK(why(couple.bob.take(initiation, elsewhere, full)) == Drop::bad_mac2);
        CHECK(couple.bob.datagrams() == 1);
    }
    CHECK(couple.bob.take(initiation, Couple::at_alice, full).has_value());
}

TEST_CASE("with a cookie an address gets five at once and twenty a second") {
    Couple couple;
    Party& alice = couple.alice;
    (void)couple.bob.take(couple.initiation(), Couple::at_alice, full);
    REQUIRE(alice.take(couple.bob.datagram(), Couple::at_bob));
    couple.clock.advance(5s + 333ms);
    alice.handle_time();
    const ByteVector initiation = alice.datagram();
    REQUIRE(couple.bob.take(initiation, Couple::at_alice, full));
    // The same again and again: each is looked at, as long as the allowance lasts.
    int looked_at = 1;
    for (int i = 0; i < 100; ++i)
        looked_at += why(couple.bob.take(initiation, Couple::at_alice, full)) == Drop::old_timestamp ? 1 : 0;
    CHECK(looked_at == 5);
    CHECK(why(couple.bob.take(initiation, Couple::at_alice, full)) == Drop::rate_limited);
    CHECK(couple.bob.out.actions.empty());
    couple.clock.advance(50ms);
    CHECK(why(couple.bob.take(initiation, Couple::at_alice, full)) == Drop::old_timestamp);
    CHECK(why(couple.bob.take(initiation, Couple::at_alice, full)) == Drop::rate_limited);
}

TEST_CASE("a response costs a cookie under load, too") {
    Couple couple;
    REQUIRE(couple.bob.take(couple.initiation(), Couple::at_alice));
    const ByteVector response = couple.bob.datagram();
    CHECK(why(couple.alice.take(response, Couple::at_bob, full)) == Drop::bad_mac2);
    const ByteVector cookie_reply = couple.alice.datagram();
    CHECK(cookie_reply.size() == 64);
    CHECK_FALSE(couple.alice.can_send(couple.bob_id));

    REQUIRE(couple.bob.take(cookie_reply, Couple::at_alice)); // it names the session that the responder has
    couple.clock.advance(5s + 333ms);
    couple.alice.handle_time();
    REQUIRE(couple.bob.take(couple.alice.datagram(), Couple::at_alice));
    CHECK(couple.alice.take(couple.bob.datagram(), Couple::at_bob, full).has_value());
}

TEST_CASE("while memory is short who has no session gets none, and who has one gets the next") {
    constexpr QueueFill hard_times{1, 4096, true};
    Couple couple;
    CHECK(why(couple.bob.take(couple.initiation(), Couple::at_alice, hard_times)) == Drop::no_memory);
    CHECK(couple.bob.out.actions.empty());
    CHECK(couple.bob.device.peer(couple.alice_id)->activity()->drops().of(Drop::no_memory) == 1);
    CHECK(couple.bob.timestamps(couple.alice_id).received == crypto::Tai64n{}); // the same may come again in better times
    couple.clock.advance(6s);
    couple.alice.handle_time();
    REQUIRE(couple.bob.take(couple.alice.datagram(), Couple::at_alice));
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));
    couple.bob.confirm(couple.alice_id);
    couple.clock.advance(6s);
    REQUIRE(couple.bob.take(couple.initiation(), Couple::at_alice, hard_times));
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob, hard_times)); // whoever asked himself has room for it
}

TEST_CASE("of peers whose time has come, no more are looked at than was asked for, and the others wait for the next turn") {
    VirtualClock clock;
    Party alice(1, clock);
    for (std::uint64_t i = 0; i < 5; ++i) {
        const Party other(100 + i, clock);
        alice.want_handshake(alice.meet(other, Couple::at_bob));
    }
    clock.advance(6s);
    for (const std::size_t sent : {2U, 2U, 1U, 0U}) {
        alice.out.clear();
        alice.device.handle_time(clock.now(), alice.out, 2);
        CHECK(alice.datagrams() == sent);
    }
    CHECK(*alice.device.next_deadline() > clock.boot());
}

TEST_CASE("load holds for a second after the queue was an eighth full, and not longer") {
    Couple couple;
    CHECK(why(couple.bob.take(couple.initiation(), Couple::at_alice, full)) == Drop::bad_mac2);
    couple.clock.advance(1s - 1ns);
    const ByteVector again = [&] {
        couple.alice.device.set_peer(Party::config_of(couple.bob.name(), Couple::at_bob), couple.clock.now(), couple.alice.out);
        return actions_of<SendDatagram>(couple.alice.out).at(0).bytes;
    }();
    CHECK(why(couple.bob.take(again, Couple::at_alice, calm)) == Drop::bad_mac2);
    couple.clock.advance(1ns);
    CHECK(couple.bob.take(again, Couple::at_alice, calm).has_value());
}

TEST_CASE("without load nobody needs a cookie, and what mac2 says doesn't matter") {
    Couple couple;
    ByteVector initiation = couple.initiation();
    couple.bob.random.fill(MutableBytes(initiation).last(16));
    CHECK(couple.bob.take(initiation, Couple::at_alice, calm).has_value());
}

TEST_CASE("no answer is longer than what it answers") {
    Couple couple;
    const ByteVector initiation = couple.initiation();
    (void)couple.bob.take(initiation, Couple::at_alice, full);
    CHECK(couple.bob.datagram().size() <= initiation.size());
    couple.clock.advance(2s);
    REQUIRE(couple.bob.take(initiation, Couple::at_alice, calm));
    const ByteVector response = couple.bob.datagram();
    CHECK(response.size() <= initiation.size());
    (void)couple.alice.take(response, Couple::at_bob, full);
    CHECK(couple.alice.datagram().size() <= response.size());
    SeededRandom random(4);
    for (int i = 0; i < 20'000; ++i) { // garbage of handshake sizes
        const bool initiation_like = random.chance(50);
        ByteVector garbage = random.bytes(initiation_like ? numbers().initiation : numbers().response);
        store_le(garbage.data(), std::uint32_t{initiation_like ? numbers().initiation_type : numbers().response_type});
        (void)couple.bob.take(garbage, Couple::at_alice, calm);
        if (couple.bob.datagrams() != 0) FAIL("garbage was answered");
    }
}
