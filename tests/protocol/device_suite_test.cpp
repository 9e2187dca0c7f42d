// PROTOCOL, first table and 2: a peer has one suite, and nothing on the wire changes that; EXPERIENCE, "Connected means
// connected": when two configurations differ, both sides learn it, and neither gets a session of it.
#include "tests/support/paper.hpp"
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

PeerConfig config_of(const Party& other, std::string_view where, Suite suite, bool asks = false) {
    PeerConfig config = Party::config_of(other.name(), where);
    config.suite = suite;
    config.asks_other_suite = asks;
    return config;
}

/// Bob has another suite for Alice than she has for him.
struct Mismatch : Couple {
    const Suite alices = suite_under_test();
    const Suite bobs = other_than(alices);
    explicit Mismatch(bool asks = true) {
        (void)alice.set(config_of(bob, at_bob, alices, asks));
        (void)bob.set(config_of(alice, "", bobs));
    }
    /// Alice's next initiation, the first or a repetition: somebody wants to talk all the time, so that she never gives up.
    ByteVector next_initiation() {
        alice.want_handshake(bob_id);
        if (alice.datagrams() == 1) return alice.datagram();
        clock.advance(5s + 333ms);
        alice.handle_time();
        return alice.datagram();
    }
};

AttemptReport attempt_of(const Party& party, PeerId peer) { return party.device.peer(peer)->attempt(); }

} // namespace

TEST_CASE("an initiation in the other suite than the peer's is dropped, and moves neither the peer nor its timestamp") {
    Mismatch two;
    for (int i = 0; i < 2; ++i) {
        const ByteVector initiation = two.next_initiation();
        CHECK(type_of(initiation) == numbers_of(two.alices).initiation_type);
        check_dropped(two.bob.take(initiation, Couple::at_alice), Drop::wrong_suite);
        CHECK(two.bob.out.actions.empty());
        CHECK_FALSE(two.bob.out.timestamps_changed);
        CHECK_FALSE(two.bob.where(two.alice_id).has_value());
        CHECK(two.bob.timestamps(two.alice_id).received == Tai64n{});
        CHECK_FALSE(two.bob.device.next_deadline().has_value());
    }
}

TEST_CASE("the responder names the peer from the second wrong initiation in a row") {
    Mismatch two(false);
    (void)two.bob.take(two.next_initiation(), Couple::at_alice);
    CHECK_FALSE(happened(two.bob.out, EventKind::wrong_suite));
    for (int i = 0; i < 3; ++i) {
        (void)two.bob.take(two.next_initiation(), Couple::at_alice);
        CHECK(happened(two.bob.out, EventKind::wrong_suite));
    }
}

TEST_CASE("a wrong initiation between right ones is a question, and nobody is named for it") {
    Couple couple;
    REQUIRE(couple.bob.take(couple.initiation(), Couple::at_alice));
    for (int i = 1; i < 5; ++i) {
        couple.clock.advance(6s);
        const auto write = [&](Suite suite, Duration after) {
            const auto ephemeral = crypto::generate_private_key(couple.alice.random);
            const crypto::PublicKey bob = couple.bob.name();
            return paper::write(paper::Initiation{7, ephemeral, couple.alice.key, bob,
                                                  Tai64n::from(couple.clock.now().wall + after), suite})
                .first;
        };
        check_dropped(couple.bob.take(write(other_than(suite_under_test()), 0s), Couple::at_alice), Drop::wrong_suite);
        CHECK_FALSE(happened(couple.bob.out, EventKind::wrong_suite));
        CHECK(couple.bob.take(write(suite_under_test(), 1s), Couple::at_alice).has_value());
    }
}

TEST_CASE("after two initiations without an answer the third asks in the other suite, and then it goes on as before") {
    Mismatch two;
    std::vector<unsigned> types;
    for (int i = 0; i < 19; ++i) types.push_back(type_of(two.next_initiation()));
    const unsigned ours = numbers_of(two.alices).initiation_type;
    const unsigned other = numbers_of(two.bobs).initiation_type;
    std::vector<unsigned> expected(19, ours);
    expected[2] = expected[18] = other; // a question in sixteen
    CHECK(types == expected);
}

TEST_CASE("who was not told to ask never does") {
    Mismatch two(false);
    for (int i = 0; i < 17; ++i) CHECK(type_of(two.next_initiation()) == numbers_of(two.alices).initiation_type);
}

TEST_CASE("the question answered tells the initiator that the suites differ, and leaves no session and no index behind") {
    Mismatch two;
    for (int i = 0; i < 2; ++i) check_dropped(two.bob.take(two.next_initiation(), Couple::at_alice), Drop::wrong_suite);
    REQUIRE(two.bob.take(two.next_initiation(), Couple::at_alice));
    const ByteVector answer = two.bob.datagram();
    CHECK(type_of(answer) == numbers_of(two.bobs).response_type);
    const auto deadline = two.alice.device.next_deadline();

    check_dropped(two.alice.take(answer, "198.51.100.66:6"), Drop::wrong_suite);
    CHECK(happened(two.alice.out, EventKind::wrong_suite));
    CHECK_FALSE(happened(two.alice.out, EventKind::handshake_complete));
    CHECK(two.alice.out.actions.empty());
    CHECK_FALSE(two.alice.can_send(two.bob_id));
    CHECK(two.alice.where(two.bob_id) == endpoint(Couple::at_bob));
    CHECK(two.alice.device.next_deadline() == deadline); // attempts go on
    CHECK(attempt_of(two.alice, two.bob_id).wrong_suites == 1);
    CHECK(attempt_of(two.alice, two.bob_id).rejected_responses == 0);

    check_dropped(two.alice.take(answer, Couple::at_bob), Drop::unknown_session); // once
    CHECK(attempt_of(two.alice, two.bob_id).wrong_suites == 1);
    CHECK(type_of(two.next_initiation()) == numbers_of(two.alices).initiation_type);
}

TEST_CASE("the responder, which answered the question, never gets to send on what came of it") {
    Mismatch two;
    (void)two.next_initiation();
    (void)two.next_initiation();
    REQUIRE(two.bob.take(two.next_initiation(), Couple::at_alice));
    (void)two.alice.take(two.bob.datagram(), Couple::at_bob);
    CHECK_FALSE(two.bob.can_send(two.alice_id));
    CHECK_FALSE(two.bob.device.peer(two.alice_id)->last_handshake().has_value());
    CHECK_FALSE(two.bob.device.peer(two.alice_id)->keyring().next()->confirmed());
}

TEST_CASE("whoever answers, with a cookie or with what can't be read, is not asked for its suite") {
    SUBCASE("a cookie") {
        Mismatch two;
        for (int i = 0; i < 3; ++i) {
            const ByteVector initiation = two.next_initiation();
            CHECK(type_of(initiation) == numbers_of(two.alices).initiation_type);
            if (i > 0) continue;
            (void)two.bob.take(initiation, Couple::at_alice, {512, 4096});
            REQUIRE(two.alice.take(two.bob.datagram(), Couple::at_bob));
        }
    }
    SUBCASE("another preshared key") {
        Mismatch two;
        SeededRandom random(3);
        PeerConfig config = config_of(two.alice, "", two.alices);
        config.preshared_key = crypto::generate_preshared_key(random);
        (void)two.bob.set(std::move(config));
        for (int i = 0; i < 3; ++i) {
            const ByteVector initiation = two.next_initiation();
            CHECK(type_of(initiation) == numbers_of(two.alices).initiation_type);
            REQUIRE(two.bob.take(initiation, Couple::at_alice));
            check_dropped(two.alice.take(two.bob.datagram(), Couple::at_bob), Drop::bad_tag);
        }
    }
}

TEST_CASE("if the peer has our suite after all, the question is dropped, and the next initiation ends well") {
    Couple couple;
    (void)couple.alice.set(config_of(couple.bob, Couple::at_bob, suite_under_test(), true));
    (void)couple.initiation(); // two that are lost
    for (int i = 0; i < 3; ++i) {
        couple.clock.advance(5s + 333ms);
        couple.alice.handle_time();
        if (i == 1) check_dropped(couple.bob.take(couple.alice.datagram(), Couple::at_alice), Drop::wrong_suite);
        CHECK_FALSE(happened(couple.bob.out, EventKind::wrong_suite));
    }
    REQUIRE(couple.bob.take(couple.alice.datagram(), Couple::at_alice));
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));
    CHECK(couple.alice.can_send(couple.bob_id));
}

TEST_CASE("a response of the other suite than the initiation's finds nobody who waits for it") {
    Couple couple;
    const ByteVector initiation = couple.initiation();
    const Suite other = other_than(suite_under_test());
    ByteVector response = couple.alice.random.bytes(numbers_of(other).response);
    store_le(response.data(), std::uint32_t{numbers_of(other).response_type});
    copy(Bytes(initiation).subspan(4, 4), MutableBytes(response).subspan(8));
    paper::write_mac1(response, couple.alice.name());
    check_dropped(couple.alice.take(response, Couple::at_bob), Drop::unknown_session);
    REQUIRE(couple.bob.take(initiation, Couple::at_alice));
    CHECK(couple.alice.take(couple.bob.datagram(), Couple::at_bob).has_value());
}

TEST_CASE("one device serves peers of both suites at once") {
    VirtualClock clock;
    Party server(1, clock);
    std::vector<std::unique_ptr<Party>> clients;
    for (std::uint64_t i = 0; i < 6; ++i) {
        const Suite suite = i % 2 == 0 ? Suite::wireguard : Suite::hybrid;
        Party& client = *clients.emplace_back(std::make_unique<Party>(10 + i, clock));
        const PeerId client_id = *server.set(config_of(client, "", suite));
        const PeerId server_id = *client.set(config_of(server, "192.0.2.2:2", suite));
        CHECK(server.device.peer(client_id)->suite() == suite);
        client.want_handshake(server_id);
        CHECK(client.datagram().size() == numbers_of(suite).initiation);
        REQUIRE(server.take(client.datagram(), "192.0.2.1:1"));
        CHECK(server.datagram().size() == numbers_of(suite).response);
        REQUIRE(client.take(server.datagram(), "192.0.2.2:2"));
        server.confirm(client_id);
        CHECK(client.can_send(server_id));
        CHECK(server.can_send(client_id));
        CHECK(client.device.peer(server_id)->keyring().current()->keys().overhead() == numbers_of(suite).overhead);
    }
}

TEST_CASE("another suite in the configuration ends what was under the one before, and the next handshake is in the new one") {
    Couple couple;
    REQUIRE(couple.shake_hands());
    couple.clock.advance(6s);
    (void)couple.initiation();
    const SessionPtr old = couple.alice.device.peer(couple.bob_id)->keyring().current();
    const Suite other = other_than(suite_under_test());

    CHECK(couple.alice.set(config_of(couple.bob, Couple::at_bob, suite_under_test())) == couple.bob_id); // said again: nothing
    CHECK(couple.alice.out.actions.empty());
    CHECK(couple.alice.can_send(couple.bob_id));

    CHECK(couple.alice.set(config_of(couple.bob, Couple::at_bob, other)) == couple.bob_id);
    CHECK_FALSE(couple.alice.can_send(couple.bob_id));
    const auto used = actions_of<UseSession>(couple.alice.out);
    REQUIRE(used.size() == 1);
    CHECK(used[0].session == nullptr);
    const auto retired = actions_of<RetireSession>(couple.alice.out);
    REQUIRE(retired.size() == 1);
    CHECK(retired[0].session == old);
    CHECK_FALSE(attempt_of(couple.alice, couple.bob_id).under_way);
    CHECK(attempt_of(couple.alice, couple.bob_id).initiations == 0);

    (void)couple.bob.set(config_of(couple.alice, "", other));
    couple.clock.advance(6s);
    CHECK(couple.shake_hands());
    CHECK(couple.alice.device.peer(couple.bob_id)->suite() == other);
}

TEST_CASE("an initiation with something that is no KEM key is dropped when it would be answered, and nothing has changed") {
    Couple couple;
    (void)couple.alice.set(config_of(couple.bob, Couple::at_bob, Suite::hybrid));
    (void)couple.bob.set(config_of(couple.alice, "", Suite::hybrid));
    const auto ephemeral = crypto::generate_private_key(couple.alice.random);
    const crypto::PublicKey bob = couple.bob.name();
    paper::Initiation initiation{7, ephemeral, couple.alice.key, bob, Tai64n::from(couple.clock.now().wall), Suite::hybrid};
    initiation.kem_key.fill(std::byte{0xff});
    check_dropped(couple.bob.take(paper::write(initiation).first, Couple::at_alice), Drop::malformed);
    CHECK(couple.bob.out.actions.empty());
    CHECK_FALSE(couple.bob.where(couple.alice_id).has_value());
    CHECK(couple.bob.timestamps(couple.alice_id).received == Tai64n{});
    CHECK_FALSE(couple.bob.device.peer(couple.alice_id)->keyring().next());
    CHECK(couple.shake_hands()); // its index was given back, its timestamp not kept
}
