// PROTOCOL 3, "Key slots": previous, current, next, and what moves where.
#include "common/protocol/keyring.hpp"

#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace std::chrono_literals;

namespace {

const Boot born = support::VirtualClock().boot();

SessionPtr make_session(Role role, std::uint32_t index) {
    return std::make_shared<Session>(PeerId{1}, role, LocalIndex{index}, RemoteIndex{index},
                                     SessionKeys(Suite::wireguard, {}, {}), born);
}
SessionPtr initiated(std::uint32_t index) { return make_session(Role::initiator, index); }
SessionPtr answered(std::uint32_t index) { return make_session(Role::responder, index); }

std::vector<SessionPtr> sorted(std::vector<SessionPtr> sessions) {
    std::sort(sessions.begin(), sessions.end(), [](const auto& a, const auto& b) { return a->local() < b->local(); });
    return sessions;
}

} // namespace

TEST_CASE("an initiator's new session is current at once, and the current one becomes previous") {
    Keyring ring;
    const SessionPtr one = initiated(1);
    const SessionPtr two = initiated(2);
    const SessionPtr three = initiated(3);
    CHECK(ring.install_initiated(one).empty());
    CHECK(ring.current() == one);
    CHECK_FALSE(ring.previous());
    CHECK(ring.install_initiated(two).empty());
    CHECK(ring.current() == two);
    CHECK(ring.previous() == one);
    CHECK(ring.install_initiated(three) == std::vector{one});
    CHECK(ring.current() == three);
    CHECK(ring.previous() == two);
    CHECK_FALSE(ring.next());
}

TEST_CASE("if a next one waits when our own is answered, it becomes previous and the old current goes") {
    Keyring ring;
    const SessionPtr oldest = initiated(1);
    const SessionPtr old = initiated(2);
    const SessionPtr waiting = answered(3);
    const SessionPtr fresh = initiated(4);
    (void)ring.install_initiated(oldest);
    (void)ring.install_initiated(old);
    CHECK(ring.install_answered(waiting) == std::vector{oldest});
    CHECK(ring.install_initiated(fresh) == std::vector{old});
    CHECK(ring.current() == fresh);
    CHECK(ring.previous() == waiting);
    CHECK_FALSE(ring.next());
}

TEST_CASE("a responder's new session waits as next, drops previous, and leaves current alone") {
    Keyring ring;
    const SessionPtr one = initiated(1);
    const SessionPtr two = initiated(2);
    (void)ring.install_initiated(one);
    (void)ring.install_initiated(two);
    const SessionPtr three = answered(3);
    CHECK(ring.install_answered(three) == std::vector{one});
    CHECK(ring.current() == two);
    CHECK(ring.next() == three);
    CHECK_FALSE(ring.previous());
    const SessionPtr four = answered(4);
    CHECK(ring.install_answered(four) == std::vector{three});
    CHECK(ring.next() == four);
    CHECK(ring.current() == two);
}

TEST_CASE("next is promoted only after it was confirmed") {
    Keyring ring;
    const SessionPtr one = initiated(1);
    const SessionPtr two = answered(2);
    (void)ring.install_initiated(one);
    (void)ring.install_answered(two);
    CHECK_FALSE(ring.promote().first);
    CHECK(ring.current() == one);
    CHECK(two->confirm());
    const auto [promoted, gone] = ring.promote();
    CHECK(promoted);
    CHECK(gone.empty());
    CHECK(ring.current() == two);
    CHECK(ring.previous() == one);
    CHECK_FALSE(ring.next());
    CHECK_FALSE(ring.promote().first);
}

TEST_CASE("a promotion without a current session leaves no previous one") {
    Keyring ring;
    const SessionPtr one = answered(1);
    (void)ring.install_answered(one);
    (void)one->confirm();
    CHECK(ring.promote().first);
    CHECK(ring.current() == one);
    CHECK_FALSE(ring.previous());
}

TEST_CASE("after both began at once, a side may settle on the other's session once that is confirmed") {
    Keyring ring;
    const SessionPtr theirs = answered(1);
    const SessionPtr ours = initiated(2);
    (void)ring.install_answered(theirs);
    (void)ring.install_initiated(ours);
    CHECK_FALSE(ring.settle_on_theirs());
    (void)theirs->confirm();
    CHECK_FALSE(ring.promote().first);
    CHECK(ring.settle_on_theirs());
    CHECK(ring.current() == theirs);
    CHECK(ring.previous() == ours);
    CHECK_FALSE(ring.settle_on_theirs());
}

TEST_CASE("where nobody began at once there is nothing to settle") {
    Keyring ring;
    CHECK_FALSE(ring.settle_on_theirs());
    (void)ring.install_initiated(initiated(1));
    CHECK_FALSE(ring.settle_on_theirs());
    (void)ring.install_initiated(initiated(2));
    CHECK_FALSE(ring.settle_on_theirs());
}

TEST_CASE("whatever fell out is given back once, and clearing gives back the rest") {
    Keyring ring;
    const SessionPtr one = initiated(1);
    const SessionPtr two = initiated(2);
    const SessionPtr three = answered(3);
    (void)ring.install_initiated(one);
    (void)ring.install_initiated(two);
    CHECK(ring.install_answered(three) == std::vector{one});
    CHECK(sorted(ring.clear()) == std::vector{two, three});
    CHECK(ring.clear().empty());
    CHECK_FALSE(ring.current());
    CHECK_FALSE(ring.can_send(born));
}

TEST_CASE("one can send on a current session that is not expired, and never on next") {
    Keyring ring;
    CHECK_FALSE(ring.can_send(born));
    (void)ring.install_answered(answered(1));
    CHECK_FALSE(ring.can_send(born));
    (void)ring.install_initiated(initiated(2));
    CHECK(ring.can_send(born));
    CHECK(ring.can_send(born + 180s - 1ns));
    CHECK_FALSE(ring.can_send(born + 180s));
}
