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

PeerConfig config_of(const Party& other, std::string_view where, Suite suite, std::optional<Duration> asks_after = std::nullopt) {
    PeerConfig config = Party::config_of(other.name(), where);
    config.suite = suite;
    config.asks_other_suite_after = asks_after;
    return config;
}

/// Bob has another suite for Alice than she has for him.
struct Mismatch : Couple {
    const Suite alices = suite_under_test();
    const Suite bobs = other_than(alices);
    explicit Mismatch(std::optional<Duration> asks_after = std::nullopt) {
        (void)alice.set(config_of(bob, at_bob, alices, asks_after));
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

/// Everything that Alice sends in that time, with when she did; somebody wants to talk to Bob all the while.
struct Said {
    Duration when;
    ByteVector bytes;
    Endpoint to;
};
std::vector<Said> listen(Couple& couple, Duration how_long) {
    std::vector<Said> all;
    const Boot began = couple.clock.boot();
    const auto note = [&] {
        for (const auto& each : actions_of<SendDatagram>(couple.alice.out))
            all.push_back({couple.clock.boot() - began, each.bytes, each.path.remote});
    };
    couple.alice.want_handshake(couple.bob_id);
    note();
    while (couple.alice.device.next_deadline().value_or(began + how_long) < began + how_long) {
        couple.clock.advance_to(*couple.alice.device.next_deadline());
        couple.alice.handle_time();
        note();
        couple.alice.want_handshake(couple.bob_id);
    }
    couple.clock.advance_to(began + how_long);
    return all;
}

std::vector<Said> questions_among(const std::vector<Said>& all) {
    std::vector<Said> questions;
    for (const Said& each : all)
        if (type_of(each.bytes) == numbers_of(other_than(suite_under_test())).initiation_type) questions.push_back(each);
    return questions;
}

} // namespace

TEST_CASE("an initiation in the other suite than the peer's is declined, and moves neither the peer nor its timestamp") {
    Mismatch two;
    for (int i = 0; i < 2; ++i) {
        const ByteVector initiation = two.next_initiation();
        CHECK(type_of(initiation) == numbers_of(two.alices).initiation_type);
        check_dropped(two.bob.take(initiation, Couple::at_alice), Drop::wrong_suite);
        CHECK(kind_of(two.bob.datagram()) == 3); // shorter than what it answers
        CHECK(two.bob.out.actions.size() == 1);
        CHECK_FALSE(two.bob.out.timestamps_changed);
        CHECK_FALSE(two.bob.where(two.alice_id).has_value());
        CHECK(two.bob.timestamps(two.alice_id).received == Tai64n{});
        CHECK_FALSE(two.bob.device.next_deadline().has_value());
    }
}

TEST_CASE("the responder names the peer from the second wrong initiation in a row") {
    Mismatch two;
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

TEST_CASE("nobody is declined or named for an initiation that is replayed, too old, or forged") {
    Mismatch two;
    const ByteVector first = two.next_initiation();
    const ByteVector second = two.next_initiation();
    check_dropped(two.bob.take(second, Couple::at_alice), Drop::wrong_suite);
    for (const ByteVector& again : {first, second}) {
        two.clock.advance(5s);
        check_dropped(two.bob.take(again, Couple::at_alice), Drop::old_timestamp);
        CHECK(two.bob.out.actions.empty());
        CHECK(two.bob.out.events.empty());
    }
    const auto stranger = crypto::generate_private_key(two.alice.random);
    ByteVector forged = paper::write(paper::Initiation{7, stranger, two.alice.key, two.bob.name(),
                                                       Tai64n::from(two.clock.now().wall), two.alices})
                            .first;
    forged[forged.size() - 40] ^= std::byte{1}; // in the sealed timestamp, which the static keys prove
    paper::write_mac1(forged, two.bob.name());
    check_dropped(two.bob.take(forged, Couple::at_alice), Drop::bad_tag);
    CHECK(two.bob.out.actions.empty());
}

TEST_CASE("what was accepted before cannot be replayed as a question") {
    Couple couple;
    (void)couple.alice.set(config_of(couple.bob, Couple::at_bob, other_than(suite_under_test())));
    const ByteVector old = couple.initiation();
    (void)couple.alice.set(config_of(couple.bob, Couple::at_bob, suite_under_test()));
    couple.clock.advance(6s);
    REQUIRE(couple.shake_hands());
    check_dropped(couple.bob.take(old, Couple::at_alice), Drop::old_timestamp);
    CHECK_FALSE(happened(couple.bob.out, EventKind::wrong_suite));
}

TEST_CASE("two questions at once, at two addresses of one responder, name nobody") {
    Couple couple;
    for (int i = 0; i < 2; ++i) {
        couple.clock.advance(100ms);
        const auto ephemeral = crypto::generate_private_key(couple.alice.random);
        const ByteVector question =
            paper::write(paper::Initiation{7, ephemeral, couple.alice.key, couple.bob.name(),
                                           Tai64n::from(couple.clock.now().wall), other_than(suite_under_test())})
                .first;
        check_dropped(couple.bob.take(question, Couple::at_alice), Drop::wrong_suite);
        CHECK_FALSE(happened(couple.bob.out, EventKind::wrong_suite));
    }
}

TEST_CASE("questions five seconds apart, each at another address of one responder, name nobody; a second one at the same does") {
    Couple couple;
    const auto ask_at = [&couple](const char* local) {
        couple.clock.advance(5s);
        const auto ephemeral = crypto::generate_private_key(couple.alice.random);
        const ByteVector question =
            paper::write(paper::Initiation{7, ephemeral, couple.alice.key, couple.bob.name(),
                                           Tai64n::from(couple.clock.now().wall), other_than(suite_under_test())})
                .first;
        const Path from{endpoint(Couple::at_alice), {IpAddress::parse(local).value(), 2}};
        check_dropped(couple.bob.take(question, from), Drop::wrong_suite);
        return happened(couple.bob.out, EventKind::wrong_suite);
    };
    CHECK_FALSE(ask_at("192.0.2.1"));
    CHECK_FALSE(ask_at("192.0.2.2"));
    CHECK_FALSE(ask_at("2001:db8::3"));
    CHECK(ask_at("192.0.2.2"));
}

TEST_CASE("a peer that is reset is named again, however late its wrong initiations were dated") {
    Couple couple;
    const auto write = [&couple](Duration ahead) {
        couple.clock.advance(5s);
        const auto ephemeral = crypto::generate_private_key(couple.alice.random);
        return paper::write(paper::Initiation{7, ephemeral, couple.alice.key, couple.bob.name(),
                                              Tai64n::from(couple.clock.now().wall + ahead), other_than(suite_under_test())})
            .first;
    };
    check_dropped(couple.bob.take(write(24h), Couple::at_alice), Drop::wrong_suite);
    check_dropped(couple.bob.take(write(0s), Couple::at_alice), Drop::old_timestamp);
    couple.bob.device.forget_received_timestamp(couple.alice_id);
    check_dropped(couple.bob.take(write(0s), Couple::at_alice), Drop::wrong_suite);
}

TEST_CASE("a moment after the second initiation without an answer the other suite is asked for, once in sixteen") {
    Couple couple;
    (void)couple.alice.set(config_of(couple.bob, Couple::at_bob, suite_under_test(), 6s));
    const auto all = listen(couple, 100s);
    const auto questions = questions_among(all);
    REQUIRE(questions.size() == 2);
    CHECK(type_of(all[0].bytes) == numbers_of(suite_under_test()).initiation_type);
    CHECK(type_of(all[1].bytes) == numbers_of(suite_under_test()).initiation_type);
    CHECK(questions[0].bytes == all[2].bytes);
    CHECK(all[2].when == all[1].when + 1s);
    CHECK(all[3].when <= all[1].when + 5s + 333ms); // initiations go on as if there was no question
    CHECK(questions[1].bytes == all[18].bytes);
}

TEST_CASE("who has little time asks after the first initiation") {
    Couple couple;
    (void)couple.alice.set(config_of(couple.bob, Couple::at_bob, suite_under_test(), 1500ms));
    const auto questions = questions_among(listen(couple, 2s));
    REQUIRE(questions.size() == 1);
    CHECK(questions[0].when == 1500ms);
}

TEST_CASE("each endpoint that was tried is asked, and no other") {
    Couple couple;
    (void)couple.alice.set(config_of(couple.bob, Couple::at_bob, suite_under_test(), 6s));
    auto all = listen(couple, 3s);
    const Endpoint second = endpoint("192.0.2.3:3333");
    couple.alice.device.set_endpoint(couple.bob_id, second, couple.clock.now(), couple.alice.out);
    const auto more = listen(couple, 60s);
    const auto questions = questions_among(more);
    REQUIRE(questions.size() == 2);
    CHECK(questions[0].to == endpoint(Couple::at_bob));
    CHECK(questions[1].to == second);
}

TEST_CASE("who was not told to ask never does") {
    Couple couple;
    CHECK(questions_among(listen(couple, 100s)).empty());
}

TEST_CASE("the question answered tells the initiator that the suites differ, and leaves no session and no index behind") {
    Mismatch two(6s);
    const auto all = listen(two, 8s);
    REQUIRE(all.size() == 3);
    const ByteVector& question = all[2].bytes;
    REQUIRE(two.bob.take(question, Couple::at_alice));
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

    // The responder, which answered the question, never gets to send on what came of it.
    CHECK_FALSE(two.bob.can_send(two.alice_id));
    CHECK_FALSE(two.bob.device.peer(two.alice_id)->last_handshake().has_value());
    CHECK_FALSE(two.bob.device.peer(two.alice_id)->keyring().next()->confirmed());
}

TEST_CASE("a responder with another suite is asked in spite of its cookies") {
    Mismatch two(6s);
    const auto all = listen(two, 1s);
    check_dropped(two.bob.take(all[0].bytes, Couple::at_alice), Drop::wrong_suite);
    REQUIRE(two.alice.take(two.bob.datagram(), Couple::at_bob));
    CHECK(attempt_of(two.alice, two.bob_id).cookies == 1);
    CHECK(questions_among(listen(two, 8s)).size() == 1);
}

TEST_CASE("whoever answers with what can't be read is not asked for its suite") {
    Mismatch two(1500ms);
    SeededRandom random(3);
    PeerConfig config = config_of(two.alice, "", two.alices);
    config.preshared_key = crypto::generate_preshared_key(random);
    (void)two.bob.set(std::move(config));
    const auto all = listen(two, 1s);
    REQUIRE(two.bob.take(all[0].bytes, Couple::at_alice));
    check_dropped(two.alice.take(two.bob.datagram(), Couple::at_bob), Drop::bad_tag);
    CHECK(questions_among(listen(two, 8s)).empty());
}

TEST_CASE("if the peer has our suite after all it declines, which tells that small datagrams pass, and the handshake goes on") {
    Couple couple;
    (void)couple.alice.set(config_of(couple.bob, Couple::at_bob, suite_under_test(), 6s));
    const auto all = listen(couple, 8s); // two are lost
    REQUIRE(all.size() == 3);
    check_dropped(couple.bob.take(all[2].bytes, Couple::at_alice), Drop::wrong_suite);
    CHECK_FALSE(happened(couple.bob.out, EventKind::wrong_suite));
    const ByteVector declined = couple.bob.datagram();
    CHECK(declined.size() == 64);
    REQUIRE(couple.alice.take(declined, Couple::at_bob));
    CHECK(happened(couple.alice.out, EventKind::suite_declined));
    CHECK_FALSE(happened(couple.alice.out, EventKind::cookie_received));
    CHECK(attempt_of(couple.alice, couple.bob_id).declined_at == endpoint(Couple::at_bob));
    CHECK(attempt_of(couple.alice, couple.bob_id).cookies == 0);
    CHECK(attempt_of(couple.alice, couple.bob_id).initiations_since_declined == 0);
    CHECK_FALSE(couple.alice.take(declined, Couple::at_bob).has_value()); // once

    ByteVector initiation = all[1].bytes; // that comes late, and is still waited for
    SUBCASE("the initiation before the question") {}
    SUBCASE("the one behind it") {
        couple.clock.advance(3s);
        couple.alice.handle_time();
        CHECK(attempt_of(couple.alice, couple.bob_id).initiations_since_declined == 1);
        initiation = couple.alice.datagram();
    }
    REQUIRE(couple.bob.take(initiation, Couple::at_alice));
    REQUIRE(couple.alice.take(couple.bob.datagram(), Couple::at_bob));
    CHECK(couple.alice.can_send(couple.bob_id));
    CHECK_FALSE(attempt_of(couple.alice, couple.bob_id).declined_at.has_value());
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
