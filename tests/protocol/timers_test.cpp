// PROTOCOL 3, row by row: what is due when. The numbers are the specification's.
#include "common/protocol/timers.hpp"

#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

bool operator==(const Due& a, const Due& b) {
    return a.initiate == b.initiate && a.give_up == b.give_up && a.renew == b.renew && a.keepalive == b.keepalive &&
           a.persistent == b.persistent && a.wipe == b.wipe;
}

/// One peer's timers beside what its data path tells them. Control sleeps until the deadline that it knows of: packets change
/// debts without waking it, unless they raise a notice.
class Desk {
  public:
    explicit Desk(std::uint64_t seed = 1) : random(seed) {}

    SeededRandom random;
    VirtualClock clock;
    Activity activity;
    Timers timers;

    std::optional<Boot> deadline() { return timers.next_deadline(activity); }
    Due due() { return timers.take_due(activity, clock.boot()); }
    bool nothing_due() { return due() == Due{}; }

    void sends(bool data = true) {
        fall_asleep();
        notice(activity.sent(data, clock.boot()));
    }
    void receives(bool data = true) {
        fall_asleep();
        notice(activity.received(data, clock.boot()));
    }
    void initiates() {
        activity.sent_handshake(clock.boot());
        timers.initiation_sent(clock.boot(), random);
    }
    /// When control will wake if nobody wakes it before.
    std::optional<Boot> wakes_at() { return asleep_ ? asleep_until_ : deadline(); }
    Due wake() {
        asleep_ = false;
        return due();
    }
    /// Sleeps from deadline to deadline, as an engine does, until something is due or `limit` has passed. Gives what.
    Due wait(Duration limit) {
        const Boot end = clock.boot() + limit;
        for (auto next = wakes_at(); next && *next <= end; next = wakes_at()) {
            clock.advance_to(*next);
            if (const Due found = wake(); !(found == Due{})) return found;
        }
        clock.advance_to(end);
        return {};
    }

  private:
    void fall_asleep() {
        if (!asleep_) asleep_until_ = deadline();
        asleep_ = true;
    }
    void notice(Notice what) {
        if (!has(what, Notice::armed)) return;
        timers.armed(clock.boot(), random);
        asleep_ = false;
    }
    bool asleep_ = false;
    std::optional<Boot> asleep_until_;
};

} // namespace

TEST_CASE("who was never used has no deadline and nothing due") {
    Desk desk;
    CHECK_FALSE(desk.deadline().has_value());
    desk.clock.advance(24h);
    CHECK(desk.nothing_due());
}

TEST_CASE("a first handshake may begin at once") {
    Desk desk;
    CHECK(desk.timers.want_handshake(desk.clock.boot()));
    CHECK(desk.timers.attempting());
}

TEST_CASE("an initiation without an answer is repeated after 5 seconds and a jitter of up to 333 milliseconds") {
    Duration shortest = 1h;
    Duration longest = 0s;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Desk desk(seed);
        (void)desk.timers.want_handshake(desk.clock.boot());
        const Boot sent = desk.clock.boot();
        desk.initiates();
        CHECK(desk.nothing_due());
        CHECK(desk.wait(10s).initiate);
        const Duration waited = desk.clock.boot() - sent;
        shortest = std::min(shortest, waited);
        longest = std::max(longest, waited);
    }
    CHECK(shortest >= 5s);
    CHECK(shortest < 5s + 20ms);
    CHECK(longest > 5s + 313ms);
    CHECK(longest <= 5s + 333ms);
}

TEST_CASE("a handshake wanted within 5 seconds of an initiation waits for the end of the 5 seconds") {
    Desk desk;
    (void)desk.timers.want_handshake(desk.clock.boot());
    const Boot sent = desk.clock.boot();
    desk.initiates();
    desk.timers.handshake_complete();
    CHECK_FALSE(desk.deadline().has_value());
    desk.clock.advance(2s);
    CHECK_FALSE(desk.timers.want_handshake(desk.clock.boot()));
    CHECK(desk.deadline() == sent + 5s);
    desk.clock.advance_to(sent + 5s - 1ns);
    CHECK(desk.nothing_due());
    desk.clock.advance(1ns);
    CHECK(desk.due().initiate);
}

TEST_CASE("sending a response counts as a handshake: no initiation for 5 seconds") {
    Desk desk;
    const Boot sent = desk.clock.boot();
    desk.timers.response_sent(sent);
    desk.clock.advance(1s);
    CHECK_FALSE(desk.timers.want_handshake(desk.clock.boot()));
    CHECK(desk.deadline() == sent + 5s);
    desk.clock.advance_to(sent + 5s);
    CHECK(desk.due().initiate);
}

TEST_CASE("a repetition that was planned before a response was sent keeps its 5 seconds from it, too") {
    Desk desk;
    (void)desk.timers.want_handshake(desk.clock.boot());
    desk.initiates();
    desk.clock.advance(4s);
    const Boot responded = desk.clock.boot();
    desk.timers.response_sent(responded);
    const Due due = desk.wait(20s);
    CHECK(due.initiate);
    CHECK(desk.clock.boot() >= responded + 5s);
    CHECK(desk.clock.boot() <= responded + 5s + 333ms);
}

TEST_CASE("wanting a handshake while one is under way starts no second one") {
    Desk desk;
    (void)desk.timers.want_handshake(desk.clock.boot());
    desk.initiates();
    for (int i = 0; i < 100; ++i) CHECK_FALSE(desk.timers.want_handshake(desk.clock.boot()));
    CHECK(desk.nothing_due());
}

TEST_CASE("attempts end after 90 seconds, said once, and then nothing is due any more") {
    Desk desk;
    const Boot began = desk.clock.boot();
    REQUIRE(desk.timers.want_handshake(began));
    desk.initiates();
    int initiations = 1;
    Due due;
    for (due = desk.wait(200s); due.initiate; due = desk.wait(200s)) {
        ++initiations;
        desk.initiates();
    }
    CHECK(due.give_up);
    CHECK(desk.clock.boot() >= began + 90s);
    CHECK(desk.clock.boot() < began + 90s + 5s + 333ms);
    CHECK(initiations >= 17); // 90 s at 5 to 5.333 s each
    CHECK(initiations <= 18);
    CHECK_FALSE(desk.timers.attempting());
    CHECK_FALSE(desk.deadline().has_value());
}

TEST_CASE("fresh interest begins the 90 seconds anew, and interest after giving up begins a new round") {
    Desk desk;
    (void)desk.timers.want_handshake(desk.clock.boot());
    desk.initiates();
    Boot interest = desk.clock.boot();
    for (int i = 0; i < 40; ++i) { // about 200 seconds
        if (i == 15) {
            interest = desk.clock.boot();
            CHECK_FALSE(desk.timers.want_handshake(interest));
        }
        const Due due = desk.wait(200s);
        if (due.give_up) break;
        desk.initiates();
    }
    CHECK(desk.clock.boot() >= interest + 90s);
    CHECK(desk.clock.boot() < interest + 96s);
    CHECK(desk.timers.want_handshake(desk.clock.boot()));
}

TEST_CASE("a complete handshake ends the attempts") {
    Desk desk;
    (void)desk.timers.want_handshake(desk.clock.boot());
    desk.initiates();
    desk.timers.handshake_complete();
    CHECK_FALSE(desk.timers.attempting());
    CHECK_FALSE(desk.deadline().has_value());
}

TEST_CASE("data that came in is answered by a keepalive 10 seconds after the first of it, if nothing else goes out") {
    Desk desk;
    const Boot first = desk.clock.boot();
    desk.receives();
    desk.clock.advance(6s);
    desk.receives();
    CHECK(desk.wait(60s) == Due{.keepalive = true});
    CHECK(desk.clock.boot() == first + 10s);
    CHECK(desk.wait(60s) == Due{});
    CHECK_FALSE(desk.deadline().has_value());
}

TEST_CASE("whatever goes out meanwhile takes the place of that keepalive") {
    for (const int kind : {0, 1, 2}) {
        Desk desk;
        desk.receives();
        desk.clock.advance(9s);
        if (kind == 0) desk.sends(false);
        if (kind == 1) desk.activity.sent_handshake(desk.clock.boot());
        if (kind == 2) {
            desk.sends(true);
            desk.receives(false); // and it was answered
        }
        CHECK(desk.wait(60s) == Due{});
    }
}

TEST_CASE("a keepalive is not answered by a keepalive") {
    Desk desk;
    desk.receives(false);
    CHECK_FALSE(desk.deadline().has_value());
    CHECK(desk.wait(60s) == Due{});
}

TEST_CASE("15 seconds and a jitter after the first unanswered data packet, a handshake is wanted, once") {
    Duration shortest = 1h;
    Duration longest = 0s;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Desk desk(seed);
        const Boot first = desk.clock.boot();
        desk.sends();
        desk.clock.advance(7s);
        desk.sends();
        CHECK(desk.wait(60s) == Due{.renew = true});
        const Duration waited = desk.clock.boot() - first;
        shortest = std::min(shortest, waited);
        longest = std::max(longest, waited);
        CHECK(desk.wait(60s) == Due{});
    }
    CHECK(shortest >= 15s);
    CHECK(shortest < 15s + 20ms);
    CHECK(longest > 15s + 313ms);
    CHECK(longest <= 15s + 333ms);
}

TEST_CASE("an answer in time ends that wait, and the next unanswered packet begins it anew") {
    Desk desk;
    desk.sends();
    desk.clock.advance(14s);
    desk.receives(false);
    desk.clock.advance(3s);
    const Boot second = desk.clock.boot();
    desk.sends();
    CHECK(desk.wait(60s) == Due{.renew = true});
    CHECK(desk.clock.boot() >= second + 15s);
}

TEST_CASE("a keepalive that was sent is not waited for") {
    Desk desk;
    desk.sends(false);
    CHECK(desk.wait(600s) == Due{});
}

TEST_CASE("a keepalive comes in time even if the data came while an answer was being waited for") {
    // The first debt raised the notice, the second one doesn't: control must look early enough by itself.
    for (Duration answer = 0s; answer < 15s; answer += 100ms) {
        Desk desk;
        desk.sends();
        desk.wait(answer);
        const Boot came = desk.clock.boot();
        desk.receives();
        CHECK(desk.wait(60s) == Due{.keepalive = true});
        if (desk.clock.boot() != came + 10s)
            FAIL("answer after ", answer / 1ms, " ms: ", (desk.clock.boot() - came) / 1ms, " ms");
    }
}

TEST_CASE("silence is noticed in time even if data was being answered when it began") {
    for (Duration question = 0s; question < 10s; question += 100ms) {
        Desk desk;
        desk.receives();
        desk.wait(question);
        const Boot sent = desk.clock.boot();
        desk.sends();
        CHECK(desk.wait(60s) == Due{.renew = true});
        CHECK(desk.clock.boot() >= sent + 15s);
        CHECK(desk.clock.boot() <= sent + 15s + 333ms);
    }
}

TEST_CASE("a busy conversation wakes control about once in ten seconds, and never by itself once it is over") {
    Desk desk;
    int wakes = 0;
    for (int i = 0; i < 600'000; ++i) { // ten minutes, a packet each way every 2 ms
        i % 2 == 0 ? desk.sends() : desk.receives();
        desk.clock.advance(1ms);
        if (const auto deadline = desk.wakes_at(); deadline && *deadline <= desk.clock.boot()) {
            ++wakes;
            CHECK(desk.wake() == Due{});
        }
    }
    CHECK(wakes >= 50);
    CHECK(wakes <= 61);
    (void)desk.wait(60s); // the last keepalive
    CHECK(desk.wait(24h) == Due{});
    CHECK_FALSE(desk.deadline().has_value());
}

TEST_CASE("a persistent keepalive goes out when nothing was sent or received for its interval") {
    Desk desk;
    desk.timers.set_persistent_keepalive(25s, desk.clock.boot());
    Boot last = desk.clock.boot();
    for (int i = 0; i < 5; ++i) {
        CHECK(desk.wait(60s) == Due{.persistent = true});
        CHECK(desk.clock.boot() == last + 25s);
        last = desk.clock.boot();
        desk.sends(false);
    }
}

TEST_CASE("any authenticated traffic either way puts the persistent keepalive off") {
    for (const int kind : {0, 1, 2, 3}) {
        Desk desk;
        desk.timers.set_persistent_keepalive(25s, desk.clock.boot());
        desk.clock.advance(20s);
        if (kind == 0) desk.sends(false);
        if (kind == 1) desk.receives(false);
        if (kind == 2) desk.activity.sent_handshake(desk.clock.boot());
        if (kind == 3) desk.activity.received_handshake(desk.clock.boot());
        const Boot traffic = desk.clock.boot();
        CHECK(desk.wait(60s) == Due{.persistent = true});
        CHECK(desk.clock.boot() == traffic + 25s);
    }
}

TEST_CASE("a persistent keepalive goes on if nobody could send it, at its own pace") {
    Desk desk;
    desk.timers.set_persistent_keepalive(25s, desk.clock.boot());
    CHECK(desk.wait(60s).persistent);
    CHECK(desk.nothing_due());
    const Boot last = desk.clock.boot();
    CHECK(desk.wait(60s).persistent);
    CHECK(desk.clock.boot() == last + 25s);
}

TEST_CASE("saying the same interval again doesn't put the persistent keepalive off") {
    Desk desk;
    const Boot began = desk.clock.boot();
    desk.timers.set_persistent_keepalive(25s, began);
    desk.clock.advance(20s);
    desk.timers.set_persistent_keepalive(25s, desk.clock.boot());
    CHECK(desk.wait(60s).persistent);
    CHECK(desk.clock.boot() == began + 25s);
}

TEST_CASE("an interval of zero is no persistent keepalive") {
    Desk desk;
    desk.timers.set_persistent_keepalive(25s, desk.clock.boot());
    CHECK(desk.timers.persistent_keepalive() == 25s);
    desk.timers.set_persistent_keepalive(0s, desk.clock.boot());
    CHECK_FALSE(desk.deadline().has_value());
}

TEST_CASE("keys are wiped 540 seconds after the last were derived, once") {
    Desk desk;
    desk.timers.keys_derived(desk.clock.boot());
    desk.clock.advance(120s);
    const Boot derived = desk.clock.boot();
    desk.timers.keys_derived(derived);
    CHECK(desk.wait(3600s) == Due{.wipe = true});
    CHECK(desk.clock.boot() == derived + 540s);
    CHECK_FALSE(desk.deadline().has_value());
}

TEST_CASE("after a long sleep all that fell due is due, each once") {
    Desk desk;
    desk.timers.set_persistent_keepalive(25s, desk.clock.boot());
    desk.timers.keys_derived(desk.clock.boot());
    desk.receives();
    desk.activity.forget_keepalive();
    desk.sends();
    desk.clock.advance(8h);
    CHECK(desk.due() == Due{.renew = true, .persistent = true, .wipe = true});
    CHECK(desk.nothing_due());
}

TEST_CASE("another way to the peer begins an attempt at once, however short ago the last initiation was") {
    Desk desk;
    CHECK(desk.timers.handle_new_way(desk.clock.boot()));
    desk.initiates();
    desk.clock.advance(50ms);
    CHECK(desk.timers.handle_new_way(desk.clock.boot()));
    desk.initiates();
    desk.timers.response_sent(desk.clock.boot());
    desk.timers.handshake_complete();
    desk.clock.advance(50ms);
    CHECK(desk.timers.handle_new_way(desk.clock.boot()));
}

TEST_CASE("changes of the way that follow each other within 50 milliseconds share one initiation") {
    Desk desk;
    const Boot first = desk.clock.boot();
    CHECK(desk.timers.handle_new_way(first));
    desk.initiates();
    for (int i = 0; i < 49; ++i) {
        desk.clock.advance(1ms);
        CHECK_FALSE(desk.timers.handle_new_way(desk.clock.boot()));
    }
    CHECK(desk.deadline() == first + 50ms);
    CHECK(desk.wait(10s).initiate);
    CHECK(desk.clock.boot() == first + 50ms);
    CHECK(desk.nothing_due());
}

TEST_CASE("an initiation by a new way is repeated after one second, twice, and then every five; an answer ends that") {
    Desk desk;
    (void)desk.timers.handle_new_way(desk.clock.boot());
    for (const Duration wait : {1s, 1s, 5s, 5s}) {
        const Boot sent = desk.clock.boot();
        desk.initiates();
        CHECK(desk.wait(20s).initiate);
        CHECK(desk.clock.boot() >= sent + wait);
        CHECK(desk.clock.boot() <= sent + wait + 333ms);
    }
    (void)desk.timers.handle_new_way(desk.clock.boot());
    desk.initiates();
    desk.timers.handshake_complete();
    desk.clock.advance(10s);
    (void)desk.timers.want_handshake(desk.clock.boot());
    const Boot sent = desk.clock.boot();
    desk.initiates();
    CHECK(desk.wait(20s).initiate);
    CHECK(desk.clock.boot() >= sent + 5s);
}

TEST_CASE("attempts by a new way end after 90 seconds like any other") {
    Desk desk;
    const Boot began = desk.clock.boot();
    (void)desk.timers.handle_new_way(began);
    Due due{.initiate = true};
    while (due.initiate) {
        desk.initiates();
        due = desk.wait(200s);
    }
    CHECK(due.give_up);
    CHECK(desk.clock.boot() >= began + 90s);
    CHECK(desk.clock.boot() < began + 90s + 5s + 333ms);
}

TEST_CASE("an attempt that goes on elsewhere does so at once, 50 milliseconds after the last initiation at the earliest") {
    Desk desk;
    CHECK_FALSE(desk.timers.hurry(desk.clock.boot())); // there is none
    CHECK(desk.nothing_due());
    CHECK(desk.timers.want_handshake(desk.clock.boot()));
    desk.initiates();
    const Boot sent = desk.clock.boot();
    desk.clock.advance(20ms);
    CHECK_FALSE(desk.timers.hurry(desk.clock.boot()));
    CHECK(desk.deadline() == sent + 50ms);
    CHECK(desk.wait(10s).initiate);
    desk.initiates();
    desk.clock.advance(50ms);
    CHECK(desk.timers.hurry(desk.clock.boot()));
    desk.timers.handshake_complete();
    CHECK_FALSE(desk.timers.hurry(desk.clock.boot()));
}

TEST_CASE("an attempt that goes on elsewhere every three seconds asks once each time") {
    Desk desk;
    REQUIRE(desk.timers.want_handshake(desk.clock.boot()));
    int sent = 0;
    for (int turn = 0; turn < 20; ++turn) {
        desk.initiates();
        ++sent;
        const Boot next = desk.clock.boot() + 3s;
        CHECK(desk.deadline() >= desk.clock.boot() + 5s);
        desk.clock.advance(next - desk.clock.boot());
        REQUIRE(desk.timers.hurry(desk.clock.boot()));
    }
    CHECK(sent == 20);
}

TEST_CASE("an attempt that goes on elsewhere again and again ends 90 seconds after somebody last wanted it") {
    Desk desk;
    const Boot began = desk.clock.boot();
    CHECK(desk.timers.want_handshake(began));
    Due due{.initiate = true};
    while (due.initiate) {
        desk.initiates();
        desk.clock.advance(900ms);
        if (desk.timers.hurry(desk.clock.boot())) desk.initiates();
        due = desk.wait(200s);
        REQUIRE(desk.clock.boot() < began + 100s);
    }
    CHECK(due.give_up);
    CHECK(desk.clock.boot() >= began + 90s);
    CHECK_FALSE(desk.timers.hurry(desk.clock.boot()));
}
