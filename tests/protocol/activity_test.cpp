// PROTOCOL 3: what is owed after which packet, and that only the first debt raises a notice.
#include "common/protocol/activity.hpp"

#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

TEST_CASE("data that was sent waits for an answer since the first packet, not the last") {
    VirtualClock clock;
    Activity activity;
    const Boot first = clock.boot();
    CHECK(activity.sent(true, first) == Notice::armed);
    clock.advance(3s);
    CHECK(activity.sent(true, clock.boot()) == Notice::none);
    CHECK(activity.unanswered_since() == first);
    CHECK(activity.last_sent() == clock.boot());
}

TEST_CASE("anything authentic that comes in answers it") {
    const VirtualClock clock;
    for (const bool data : {true, false}) {
        Activity activity;
        (void)activity.sent(true, clock.boot());
        (void)activity.received(data, clock.boot());
        CHECK_FALSE(activity.unanswered_since().has_value());
    }
    Activity activity;
    (void)activity.sent(true, clock.boot());
    activity.received_handshake(clock.boot());
    CHECK_FALSE(activity.unanswered_since().has_value());
}

TEST_CASE("a keepalive that was sent wants no answer") {
    const VirtualClock clock;
    Activity activity;
    CHECK(activity.sent(false, clock.boot()) == Notice::none);
    CHECK_FALSE(activity.unanswered_since().has_value());
    CHECK(activity.last_sent() == clock.boot());
}

TEST_CASE("data that came in owes a keepalive since the first packet, and a keepalive owes none") {
    VirtualClock clock;
    Activity activity;
    CHECK(activity.received(false, clock.boot()) == Notice::none);
    CHECK_FALSE(activity.keepalive_owed_since().has_value());
    const Boot first = clock.boot();
    CHECK(activity.received(true, first) == Notice::armed);
    clock.advance(2s);
    CHECK(activity.received(true, clock.boot()) == Notice::none);
    CHECK(activity.keepalive_owed_since() == first);
    CHECK(activity.last_received() == clock.boot());
}

TEST_CASE("anything authentic that goes out pays it") {
    const VirtualClock clock;
    for (const bool data : {true, false}) {
        Activity activity;
        (void)activity.received(true, clock.boot());
        (void)activity.sent(data, clock.boot());
        CHECK_FALSE(activity.keepalive_owed_since().has_value());
    }
    Activity activity;
    (void)activity.received(true, clock.boot());
    activity.sent_handshake(clock.boot());
    CHECK_FALSE(activity.keepalive_owed_since().has_value());
}

TEST_CASE("handshake messages owe nothing") {
    const VirtualClock clock;
    Activity activity;
    activity.sent_handshake(clock.boot());
    activity.received_handshake(clock.boot());
    CHECK_FALSE(activity.unanswered_since().has_value());
    CHECK_FALSE(activity.keepalive_owed_since().has_value());
    CHECK(activity.last_sent() == clock.boot());
    CHECK(activity.last_received() == clock.boot());
}

TEST_CASE("only the first debt raises a notice, however many packets follow, until control disarms") {
    VirtualClock clock;
    Activity activity;
    CHECK(activity.sent(true, clock.boot()) == Notice::armed);
    for (int i = 0; i < 1000; ++i) {
        clock.advance(1ms);
        CHECK(activity.received(true, clock.boot()) == Notice::none);
        CHECK(activity.sent(true, clock.boot()) == Notice::none);
    }
    CHECK_FALSE(activity.disarm_if_idle()); // the last packet is still unanswered
    CHECK(activity.received(false, clock.boot()) == Notice::none);
    CHECK(activity.disarm_if_idle());
    CHECK(activity.sent(true, clock.boot()) == Notice::armed);
}

TEST_CASE("forgetting a debt lets control disarm") {
    const VirtualClock clock;
    Activity activity;
    (void)activity.sent(true, clock.boot());
    activity.forget_unanswered();
    CHECK(activity.disarm_if_idle());
    CHECK(activity.received(true, clock.boot()) == Notice::armed);
    activity.forget_keepalive();
    CHECK(activity.disarm_if_idle());
}

TEST_CASE("nothing was sent or received at first") {
    const Activity activity;
    CHECK_FALSE(activity.last_sent().has_value());
    CHECK_FALSE(activity.last_received().has_value());
    CHECK(activity.sent_bytes() == ByteCount{0});
    CHECK(activity.received_bytes() == ByteCount{0});
}

TEST_CASE("bytes add up") {
    Activity activity;
    activity.count_sent(148);
    activity.count_sent(32);
    activity.count_received(92);
    CHECK(activity.sent_bytes() == ByteCount{180});
    CHECK(activity.received_bytes() == ByteCount{92});
}

TEST_CASE("notices are a set of bits") {
    Notice set = Notice::confirmed;
    set |= Notice::wants_handshake;
    CHECK(has(set, Notice::confirmed));
    CHECK(has(set, Notice::wants_handshake));
    CHECK_FALSE(has(set, Notice::armed));
    CHECK_FALSE(has(Notice::none, Notice::confirmed));
}
