// PROTOCOL 3: how old a session may get, how many messages it may send, and when its renewal is asked for.
#include "common/protocol/session.hpp"

#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t two_to_60 = 1'152'921'504'606'846'976U;
constexpr std::uint64_t reject_after = 18'446'744'073'709'543'423U; // 2^64 - 2^13 - 1

std::unique_ptr<Session> make_session(Role role, Boot born) {
    return std::make_unique<Session>(PeerId{1}, role, LocalIndex{10}, RemoteIndex{20}, SessionKeys(Suite::wireguard, {}, {}),
                                     born);
}

} // namespace

TEST_CASE("counters start at zero and none is given twice") {
    const VirtualClock clock;
    const auto session = make_session(Role::initiator, clock.boot());
    CHECK(session->take_counters(1, clock.boot()) == 0);
    CHECK(session->take_counters(1, clock.boot()) == 1);
    CHECK(session->take_counters(45, clock.boot()) == 2);
    CHECK(session->take_counters(1, clock.boot()) == 47);
}

TEST_CASE("a session carries nothing any more when it is 180 seconds old") {
    VirtualClock clock;
    const auto session = make_session(Role::responder, clock.boot());
    clock.advance(180s - 1ns);
    CHECK_FALSE(session->expired(clock.boot()));
    CHECK(session->take_counters(1, clock.boot()).has_value());
    clock.advance(1ns);
    CHECK(session->expired(clock.boot()));
    CHECK_FALSE(session->take_counters(1, clock.boot()).has_value());
}

TEST_CASE("the last counter that is sent is 2^64 - 2^13 - 2") {
    const VirtualClock clock;
    const auto session = make_session(Role::initiator, clock.boot());
    session->skip_counters_to(reject_after - 2);
    CHECK(session->take_counters(1, clock.boot()) == reject_after - 2);
    CHECK(session->take_counters(1, clock.boot()) == reject_after - 1);
    CHECK_FALSE(session->take_counters(1, clock.boot()).has_value());
    CHECK_FALSE(session->take_counters(1, clock.boot()).has_value());
    CHECK(session->expired(clock.boot()));
}

TEST_CASE("a batch that would pass the last counter gets none at all") {
    const VirtualClock clock;
    for (const std::uint64_t left : {std::uint64_t{1}, std::uint64_t{44}, std::uint64_t{45}}) {
        CAPTURE(left);
        const auto session = make_session(Role::initiator, clock.boot());
        session->skip_counters_to(reject_after - left);
        CHECK(session->take_counters(45, clock.boot()).has_value() == (left >= 45));
    }
}

TEST_CASE("past the limit no number of attempts makes the counter wrap") {
    const VirtualClock clock;
    const auto session = make_session(Role::initiator, clock.boot());
    session->skip_counters_to(reject_after);
    for (int i = 0; i < 100'000; ++i)
        if (session->take_counters(64, clock.boot())) FAIL("attempt ", i);
}

TEST_CASE("sending at 120 seconds makes the initiator ask for a renewal, once") {
    VirtualClock clock;
    const auto session = make_session(Role::initiator, clock.boot());
    CHECK_FALSE(session->asks_rekey_after_sending(clock.boot()));
    clock.advance(120s - 1ns);
    CHECK_FALSE(session->asks_rekey_after_sending(clock.boot()));
    clock.advance(1ns);
    CHECK(session->asks_rekey_after_sending(clock.boot()));
    CHECK_FALSE(session->asks_rekey_after_sending(clock.boot()));
    clock.advance(50s);
    CHECK_FALSE(session->asks_rekey_after_sending(clock.boot()));
    CHECK_FALSE(session->asks_rekey_after_receiving(clock.boot()));
}

TEST_CASE("age never makes the responder ask") {
    VirtualClock clock;
    const auto session = make_session(Role::responder, clock.boot());
    clock.advance(179s);
    CHECK_FALSE(session->asks_rekey_after_sending(clock.boot()));
    CHECK_FALSE(session->asks_rekey_after_receiving(clock.boot()));
}

TEST_CASE("receiving at 165 seconds makes the initiator ask, once") {
    VirtualClock clock;
    const auto session = make_session(Role::initiator, clock.boot());
    clock.advance(165s - 1ns);
    CHECK_FALSE(session->asks_rekey_after_receiving(clock.boot()));
    clock.advance(1ns);
    CHECK(session->asks_rekey_after_receiving(clock.boot()));
    CHECK_FALSE(session->asks_rekey_after_receiving(clock.boot()));
}

TEST_CASE("past 2^60 messages either side asks, once") {
    const VirtualClock clock;
    for (const Role role : {Role::initiator, Role::responder}) {
        const auto session = make_session(role, clock.boot());
        session->skip_counters_to(two_to_60);
        CHECK_FALSE(session->asks_rekey_after_sending(clock.boot()));
        CHECK(session->take_counters(1, clock.boot()).has_value());
        CHECK(session->asks_rekey_after_sending(clock.boot()));
        CHECK_FALSE(session->asks_rekey_after_sending(clock.boot()));
    }
}

TEST_CASE("a renewal that failed may be asked for again") {
    VirtualClock clock;
    const auto session = make_session(Role::initiator, clock.boot());
    clock.advance(121s);
    CHECK(session->asks_rekey_after_sending(clock.boot()));
    session->forget_rekey();
    CHECK(session->asks_rekey_after_sending(clock.boot()));
}

TEST_CASE("a responder's session is confirmed by the first packet, an initiator's from the start") {
    const VirtualClock clock;
    const auto responder = make_session(Role::responder, clock.boot());
    CHECK_FALSE(responder->confirmed());
    CHECK(responder->confirm());
    CHECK(responder->confirmed());
    CHECK_FALSE(responder->confirm());
    const auto initiator = make_session(Role::initiator, clock.boot());
    CHECK(initiator->confirmed());
    CHECK_FALSE(initiator->confirm());
}
