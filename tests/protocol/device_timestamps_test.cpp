// PROTOCOL 2: timestamps go up however clocks are set, outlive restarts, and can be forgotten when a clock was once far ahead.
#include "tests/support/party.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;
using crypto::Tai64n;

namespace {

void check_dropped(const Checked<void>& result, Drop why) {
    REQUIRE_FALSE(result.has_value());
    CHECK(name_of(result.error()) == name_of(why));
}

} // namespace

TEST_CASE("timestamps only go up, however the calendar is set") {
    Couple couple;
    Tai64n last{};
    for (int i = 0; i < 50; ++i) {
        REQUIRE(couple.bob.take(couple.initiation(), Couple::at_alice)); // accepted each time
        CHECK(couple.alice.timestamps(couple.bob_id).sent > last);
        last = couple.alice.timestamps(couple.bob_id).sent;
        couple.clock.advance(6s);
        if (i % 3 == 1) couple.clock.shift_wall(-24h * 365);
        if (i % 7 == 3) couple.clock.shift_wall(48h);
        couple.alice.handle_time(); // the repetition that was due
        if (couple.alice.datagrams() == 1) {
            REQUIRE(couple.bob.take(couple.alice.datagram(), Couple::at_alice));
            CHECK(couple.alice.timestamps(couple.bob_id).sent > last);
            last = couple.alice.timestamps(couple.bob_id).sent;
            REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));
            couple.clock.advance(6s);
        }
    }
}

TEST_CASE("after a clock went backwards a timestamp is the last one and 2^24 nanoseconds") {
    Couple couple;
    (void)couple.initiation();
    const Tai64n first = couple.alice.timestamps(couple.bob_id).sent;
    couple.clock.advance(6s);
    couple.clock.shift_wall(-1h);
    couple.alice.handle_time();
    CHECK(couple.alice.timestamps(couple.bob_id).sent == first.next());
}

TEST_CASE("timestamps survive a restart of the initiator whose clock went backwards") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    const auto kept = couple.alice.device.timestamps();
    couple.clock.shift_wall(-24h * 30);
    couple.clock.advance(1s);

    Party reborn(5, couple.clock);
    reborn.device.set_keys(couple.alice.key.clone(), couple.clock.now(), reborn.out);
    const PeerId bob_id = reborn.meet(couple.bob, Couple::at_bob);
    reborn.device.restore(kept);
    reborn.want_handshake(bob_id);
    CHECK(couple.bob.take(reborn.datagram(), Couple::at_alice).has_value());
}

TEST_CASE("without them it is locked out, until the responder is told to forget") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    couple.clock.shift_wall(-24h * 30);
    couple.clock.advance(1s);

    Party reborn(5, couple.clock);
    reborn.device.set_keys(couple.alice.key.clone(), couple.clock.now(), reborn.out);
    const PeerId bob_id = reborn.meet(couple.bob, Couple::at_bob);
    reborn.want_handshake(bob_id);
    const ByteVector initiation = reborn.datagram();
    check_dropped(couple.bob.take(initiation, Couple::at_alice), Drop::old_timestamp);
    couple.bob.device.forget_received_timestamp(couple.alice_id);
    CHECK(couple.bob.take(initiation, Couple::at_alice).has_value());
}

TEST_CASE("an initiation replayed after the responder's restart is dropped, if timestamps were kept") {
    Couple couple;
    const ByteVector initiation = couple.initiation();
    REQUIRE(couple.bob.take(initiation, Couple::at_alice));
    Party reborn(6, couple.clock);
    reborn.device.set_keys(couple.bob.key.clone(), couple.clock.now(), reborn.out);
    (void)reborn.meet(couple.alice);
    reborn.device.restore(couple.bob.device.timestamps());
    check_dropped(reborn.take(initiation, "198.51.100.66:6"), Drop::old_timestamp);
    CHECK(reborn.out.actions.empty());
}

TEST_CASE("restoring never turns a timestamp back, and ignores strangers") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    const Timestamps now = couple.bob.timestamps(couple.alice_id);
    Timestamps older = now;
    older.received = Tai64n::from(Wall(1s));
    Timestamps stranger = now;
    stranger.peer = public_key("0900000000000000000000000000000000000000000000000000000000000000");
    couple.bob.device.restore({older, stranger});
    CHECK(couple.bob.timestamps(couple.alice_id).received == now.received);
    CHECK(couple.bob.device.timestamps().size() == 1);
}
