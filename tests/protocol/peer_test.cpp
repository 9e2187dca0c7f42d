// One peer by itself: that every index it takes goes back, and what it does when several things fall due at once.
#include "common/protocol/peer.hpp"

#include "tests/support/inner_packet.hpp"
#include "tests/support/keys.hpp"
#include "tests/support/outbox.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/suites.hpp"
#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

/// A peer, with all that a device would lend it.
struct Host {
    VirtualClock& clock;
    SeededRandom random;
    OwnKeys ours;
    IndexTable indices;
    Outbox out;
    std::optional<Peer> peer;
    Path there{endpoint("192.0.2.9:9"), {}};

    Host(VirtualClock& the_clock, std::uint64_t seed)
        : clock(the_clock), random(seed), ours(crypto::generate_private_key(random)) {}
    void meet(const Host& other) {
        peer.emplace(PeerId{5}, other.ours.current().public_key, crypto::PresharedKey(), suite_under_test());
    }
    Context context() {
        out.clear();
        return {ours, indices, random, clock.now(), out};
    }
    ByteVector datagram() { return actions_of<SendDatagram>(out).at(0).bytes; }
    /// The first of a new attempt, or the next of one that is under way.
    ByteVector initiation() {
        peer->attempt().under_way ? peer->handle_time(context()) : peer->want_handshake(context());
        return datagram();
    }
    Checked<void> take_initiation(const ByteVector& bytes) {
        const auto view = std::get<InitiationView>(*decode(bytes));
        auto opened = read_initiator(ours.current(), view);
        if (!opened) return dropped(opened.error());
        return peer->handle_initiation(std::move(*opened), ours.current(), view, there, context());
    }
    Checked<void> take_response(const ByteVector& bytes) {
        return peer->handle_response(std::get<ResponseView>(*decode(bytes)), there, context());
    }
    void confirm() {
        if (peer->keyring().next() && peer->keyring().next()->confirm()) peer->handle_notice(Notice::confirmed, context());
    }
};

struct Pair {
    VirtualClock clock;
    Host alice{clock, 1};
    Host bob{clock, 2};
    Pair() {
        alice.meet(bob);
        bob.meet(alice);
        alice.peer->set_endpoint(endpoint("192.0.2.2:2"), alice.context());
    }
    void shake_hands() {
        REQUIRE(bob.take_initiation(alice.initiation()));
        REQUIRE(alice.take_response(bob.datagram()));
        bob.confirm();
        clock.advance(6s);
    }
};

} // namespace

TEST_CASE("an initiation that waits holds one index, however often it is repeated") {
    Pair pair;
    (void)pair.alice.initiation();
    CHECK(pair.alice.indices.size() == 1);
    for (int i = 0; i < 10; ++i) {
        pair.clock.advance(5s + 333ms);
        pair.alice.peer->handle_time(pair.alice.context());
        CHECK(count_of<SendDatagram>(pair.alice.out) == 1);
        CHECK(pair.alice.indices.size() == 1);
    }
}

TEST_CASE("whatever happened, a peer that leaves has given back all its indices and named all its sessions") {
    for (int handshakes = 0; handshakes < 5; ++handshakes) {
        for (const bool waiting : {false, true}) {
            Pair pair;
            for (int i = 0; i < handshakes; ++i) pair.shake_hands();
            if (waiting) REQUIRE(pair.bob.take_initiation(pair.alice.initiation()));
            for (Host* host : {&pair.alice, &pair.bob}) {
                const std::size_t held = host->indices.size();
                const bool pending = waiting && host == &pair.alice;
                host->peer->leave(host->context());
                CHECK(host->indices.size() == 0);
                CHECK(count_of<RetireSession>(host->out) + (pending ? 1 : 0) == held);
                CHECK(std::holds_alternative<RemovePeer>(host->out.actions.back()));
            }
        }
    }
}

TEST_CASE("a day of handshakes holds at most three sessions and one initiation at a time") {
    Pair pair;
    for (int i = 0; i < 200; ++i) {
        pair.shake_hands();
        CHECK(pair.alice.indices.size() <= 4);
        CHECK(pair.bob.indices.size() <= 4);
        if (i % 3 == 0) { // now and then the response is lost
            REQUIRE(pair.bob.take_initiation(pair.alice.initiation()));
            pair.clock.advance(6s);
        }
    }
}

TEST_CASE("when no index is left nothing is sent, nothing is taken, and it works again once there is one") {
    Pair pair;
    std::vector<LocalIndex> all;
    while (const auto index = pair.alice.indices.take(PeerId{1}, pair.alice.random)) all.push_back(*index);
    pair.alice.peer->want_handshake(pair.alice.context());
    CHECK(count_of<SendDatagram>(pair.alice.out) == 0);
    const auto again = pair.alice.peer->next_deadline();
    REQUIRE(again.has_value());
    pair.alice.indices.release(all.back());
    pair.clock.advance_to(*again);
    pair.alice.peer->handle_time(pair.alice.context());
    CHECK(count_of<SendDatagram>(pair.alice.out) == 1);

    // And as a responder.
    all.clear();
    while (const auto index = pair.bob.indices.take(PeerId{1}, pair.bob.random)) all.push_back(*index);
    const ByteVector initiation = pair.alice.datagram();
    const auto refused = pair.bob.take_initiation(initiation);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == Drop::queue_full);
    pair.bob.indices.release(all.back());
    CHECK(pair.bob.take_initiation(initiation).has_value()); // nothing had changed, its timestamp least of all
}

TEST_CASE("when silence and a repetition fall due in the same look, one initiation goes out, not two") {
    Pair pair;
    pair.shake_hands();
    Peer& alice = *pair.alice.peer;
    // Data without an answer, and a renewal under way: then the machine sleeps past both deadlines.
    alice.handle_notice(alice.activity()->sent(true, pair.clock.boot()), pair.alice.context());
    (void)pair.alice.initiation();
    pair.clock.advance(60s);
    alice.handle_time(pair.alice.context());
    CHECK(count_of<SendDatagram>(pair.alice.out) == 1);
    CHECK(pair.alice.indices.size() == 2);
    REQUIRE(pair.bob.take_initiation(pair.alice.datagram()));
    CHECK(pair.alice.take_response(pair.bob.datagram()).has_value());
}

TEST_CASE("when the other side's handshake is complete, an initiation of ours that still waits is given up") {
    Pair pair;
    (void)pair.alice.initiation(); // on its way for long
    pair.bob.peer->set_endpoint(endpoint("192.0.2.1:1"), pair.bob.context());
    REQUIRE(pair.alice.take_initiation(pair.bob.initiation()));
    CHECK(pair.alice.indices.size() == 2);
    REQUIRE(pair.bob.take_response(pair.alice.datagram()));
    pair.alice.confirm();
    CHECK(pair.alice.indices.size() == 1);
    CHECK_FALSE(pair.alice.peer->attempt().under_way);
}

TEST_CASE("every handshake message counts as traffic, in bytes of UDP payload") {
    Pair pair;
    pair.shake_hands();
    CHECK(pair.alice.peer->activity()->sent_bytes() == ByteCount{numbers().initiation});
    CHECK(pair.alice.peer->activity()->received_bytes() == ByteCount{numbers().response});
    CHECK(pair.bob.peer->activity()->sent_bytes() == ByteCount{numbers().response});
    CHECK(pair.bob.peer->activity()->received_bytes() == ByteCount{numbers().initiation});
}

TEST_CASE("an attempt is reported while it is under way, and forgotten when it succeeds") {
    Pair pair;
    CHECK_FALSE(pair.alice.peer->attempt().under_way);
    (void)pair.alice.initiation();
    pair.clock.advance(5s + 333ms);
    pair.alice.peer->handle_time(pair.alice.context());
    CHECK(pair.alice.peer->attempt().under_way);
    CHECK(pair.alice.peer->attempt().initiations == 2);
    REQUIRE(pair.bob.take_initiation(pair.alice.datagram()));
    ByteVector forged = pair.bob.datagram();
    forged[50] ^= std::byte{1};
    CHECK_FALSE(pair.alice.take_response(forged).has_value());
    CHECK(happened(pair.alice.out, EventKind::response_rejected));
    CHECK(pair.alice.peer->attempt().rejected_responses == 1);
    REQUIRE(pair.alice.take_response(pair.bob.datagram()));
    CHECK(pair.alice.peer->attempt().initiations == 0);
    CHECK(pair.alice.peer->attempt().rejected_responses == 0);
    CHECK_FALSE(pair.alice.peer->attempt().under_way);
}

TEST_CASE("by another way a handshake begins anew beside the session that stands, from whatever address the kernel chooses") {
    Pair pair;
    REQUIRE(pair.bob.take_initiation(pair.alice.initiation()));
    REQUIRE(pair.alice.take_response(pair.bob.datagram()));
    pair.bob.confirm();
    const Path from_here{endpoint("192.0.2.2:2"), {*IpAddress::parse("192.0.2.1"), 3}};
    pair.alice.peer->handle_move(from_here, pair.clock.boot(), 1, pair.alice.context());
    REQUIRE(pair.alice.peer->path() == from_here);
    pair.clock.advance(50ms);
    pair.alice.peer->handle_new_way(pair.alice.context());
    CHECK(pair.alice.peer->path() == Path{endpoint("192.0.2.2:2"), {}});
    CHECK(actions_of<SendDatagram>(pair.alice.out).at(0).path == Path{endpoint("192.0.2.2:2"), {}});
    CHECK(pair.alice.peer->keyring().can_send(pair.clock.boot()));
    REQUIRE(pair.bob.take_initiation(pair.alice.datagram()));
    CHECK(pair.alice.take_response(pair.bob.datagram()).has_value());
}

TEST_CASE("a peer that is sought elsewhere is asked there at once if somebody wants it, and else when somebody does") {
    Pair pair;
    SUBCASE("an attempt is under way") {
        const ByteVector first = pair.alice.initiation();
        pair.clock.advance(50ms);
        pair.alice.peer->seek_at(endpoint("192.0.2.9:9"), pair.alice.context());
        const auto sent = actions_of<SendDatagram>(pair.alice.out);
        REQUIRE(sent.size() == 1);
        CHECK(sent[0].bytes != first);
        CHECK(sent[0].path == Path{endpoint("192.0.2.9:9"), {}});
        CHECK(pair.alice.indices.size() == 1);
    }
    SUBCASE("none is") {
        pair.alice.peer->seek_at(endpoint("192.0.2.9:9"), pair.alice.context());
        CHECK(actions_of<SendDatagram>(pair.alice.out).empty());
        CHECK_FALSE(pair.alice.peer->next_deadline().has_value());
        pair.alice.peer->want_handshake(pair.alice.context());
        CHECK(actions_of<SendDatagram>(pair.alice.out).at(0).path == Path{endpoint("192.0.2.9:9"), {}});
    }
}

TEST_CASE("a new way to a peer whose whereabouts nobody knows means nothing") {
    Pair pair;
    pair.bob.peer->handle_new_way(pair.bob.context());
    CHECK(pair.bob.out.actions.empty());
    CHECK_FALSE(pair.bob.peer->next_deadline().has_value());
}

TEST_CASE(
    "an initiation that goes to several addresses is one: the first answer counts, wherever it comes from, and a second none") {
    Pair pair;
    const ByteVector initiation = pair.alice.initiation();
    pair.alice.peer->send_initiation_also_to(endpoint("[2001:db8::2]:2"), pair.alice.context());
    const auto also = actions_of<SendDatagram>(pair.alice.out);
    REQUIRE(also.size() == 1);
    CHECK(also[0].bytes == initiation);
    CHECK(also[0].path == Path{endpoint("[2001:db8::2]:2"), {}});
    CHECK(pair.alice.peer->path() == Path{endpoint("192.0.2.2:2"), {}}); // not before somebody has answered
    CHECK(pair.alice.indices.size() == 1);

    REQUIRE(pair.bob.take_initiation(also[0].bytes));
    const ByteVector response = pair.bob.datagram();
    CHECK_FALSE(pair.bob.take_initiation(initiation).has_value());
    pair.alice.there = {endpoint("[2001:db8::2]:2"), {}};
    REQUIRE(pair.alice.take_response(response));
    CHECK(pair.alice.peer->path() == pair.alice.there);
    CHECK_FALSE(pair.alice.take_response(response).has_value());
}

TEST_CASE("when no initiation waits for an answer, none goes anywhere else") {
    Pair pair;
    pair.alice.peer->send_initiation_also_to(endpoint("[2001:db8::2]:2"), pair.alice.context());
    CHECK(pair.alice.out.actions.empty());
    pair.shake_hands();
    pair.alice.peer->send_initiation_also_to(endpoint("[2001:db8::2]:2"), pair.alice.context());
    CHECK(pair.alice.out.actions.empty());
}
