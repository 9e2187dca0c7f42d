// PROTOCOL 2: initiation and response, held against the paper written out in tests/support/paper.hpp, in both roles.
#include "common/protocol/handshake.hpp"

#include "tests/support/keys.hpp"
#include "tests/support/paper.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/suites.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using crypto::Tai64n;
using noise::KeyPair;

namespace {

const Tai64n noon = Tai64n::from(Wall(std::chrono::seconds(1'772'366'400)));

crypto::PresharedKey make_preshared(Random& random) { return crypto::generate_preshared_key(random); }

InitiationView initiation_view(Bytes bytes) { return std::get<InitiationView>(*decode(bytes)); }
ResponseView response_view(Bytes bytes) { return std::get<ResponseView>(*decode(bytes)); }

/// An initiator and a responder that know each other.
struct Two {
    SeededRandom random{11};
    KeyPair alice = make_pair(random);
    KeyPair bob = make_pair(random);
    crypto::PresharedKey preshared = make_preshared(random);
    RemoteIdentity bob_for_alice{bob.public_key, preshared.clone(), alice};
    RemoteIdentity alice_for_bob{alice.public_key, preshared.clone(), bob};

    Suite suite;
    ByteVector initiation = ByteVector(numbers_of(suite).initiation);
    ByteVector response = ByteVector(numbers_of(suite).response);

    explicit Two(Suite the_suite = suite_under_test()) : suite(the_suite) {}

    PendingInitiation initiate() {
        auto pending = make_initiation(suite, alice, bob_for_alice, LocalIndex{0xa11ce}, noon, random, initiation);
        REQUIRE(pending.has_value());
        return std::move(*pending);
    }
    Checked<SessionKeys> answer() {
        auto opened = read_initiator(bob, initiation_view(initiation));
        if (!opened) return dropped(opened.error());
        const auto timestamp = read_timestamp(*opened, bob, alice_for_bob, initiation_view(initiation));
        if (!timestamp) return dropped(timestamp.error());
        return answer_initiation(std::move(*opened), alice_for_bob, LocalIndex{0xb0b}, RemoteIndex{0xa11ce}, random, response);
    }
};

/// True if what `from` seals, `to` opens, and nothing else.
bool speaks_to(const SessionKeys& from, const SessionKeys& to) {
    const ByteVector plain = vectors::pattern(64, 3, 5);
    ByteVector message(64 + numbers().overhead);
    from.seal(RemoteIndex{77}, 9, plain, message);
    const auto opened = to.open({MutableBytes(message)});
    return opened && std::equal(plain.begin(), plain.end(), opened->begin(), opened->end());
}

} // namespace

TEST_CASE("after initiation and response both sides hold the same keys, each its own way round") {
    Two two;
    const PendingInitiation pending = two.initiate();
    const auto bobs = two.answer();
    REQUIRE(bobs.has_value());
    const auto alices = read_response(pending, two.alice, two.bob_for_alice, response_view(two.response));
    REQUIRE(alices.has_value());
    CHECK(speaks_to(*alices, *bobs));
    CHECK(speaks_to(*bobs, *alices));
    CHECK_FALSE(speaks_to(*alices, *alices));
    CHECK_FALSE(speaks_to(*bobs, *bobs));
}

TEST_CASE("an initiation names its sender and the time, once the right key opens it") {
    Two two;
    const PendingInitiation pending = two.initiate();
    CHECK(pending.index == LocalIndex{0xa11ce});
    const InitiationView view = initiation_view(two.initiation);
    CHECK(view.sender() == 0xa11ce);
    auto opened = read_initiator(two.bob, view);
    REQUIRE(opened.has_value());
    CHECK(opened->initiator() == two.alice.public_key);
    const auto timestamp = read_timestamp(*opened, two.bob, two.alice_for_bob, view);
    REQUIRE(timestamp.has_value());
    CHECK(*timestamp == noon);
}

TEST_CASE("we answer an initiation written by the paper, and the paper understands") {
    Two two;
    const KeyPair fresh = make_pair(two.random);
    const crypto::KemPrivateKey kem(two.random.array<64>());
    const auto written = paper::write(paper::Initiation{0xcafe, fresh.private_key, two.alice.private_key, two.bob.public_key,
                                                        noon, two.suite, crypto::public_key_of(kem)});
    two.initiation = written.first;
    const auto bobs = two.answer();
    REQUIRE(bobs.has_value());

    paper::State state = written.second;
    const paper::Reader reader{fresh.private_key, two.alice.private_key, kem, paper::bytes32(two.preshared.view())};
    REQUIRE(paper::read_response(reader, two.response, state));
    const auto [to_responder, to_initiator] = paper::transport_keys(state);
    const SessionKeys papers{two.suite, crypto::AeadKey(to_responder), crypto::AeadKey(to_initiator)};
    CHECK(speaks_to(papers, *bobs));
    CHECK(speaks_to(*bobs, papers));
}

TEST_CASE("the paper answers our initiation, and we understand") {
    Two two;
    const PendingInitiation pending = two.initiate();
    paper::Opened opened = paper::read_initiation(two.suite, two.initiation, two.bob.private_key);
    CHECK(opened.static_key == two.alice.public_key);
    CHECK(opened.timestamp == noon);

    const KeyPair fresh = make_pair(two.random);
    const auto psk = paper::bytes32(two.preshared.view());
    const ByteVector response = paper::write(paper::Response{0xbee, 0xa11ce, fresh.private_key, opened.ephemeral,
                                                             two.alice.public_key, psk, opened.kem_key, two.random.array<32>()},
                                             opened.state);
    const auto alices = read_response(pending, two.alice, two.bob_for_alice, response_view(response));
    REQUIRE(alices.has_value());
    const auto [to_responder, to_initiator] = paper::transport_keys(opened.state);
    const SessionKeys papers{two.suite, crypto::AeadKey(to_initiator), crypto::AeadKey(to_responder)};
    CHECK(speaks_to(papers, *alices));
    CHECK(speaks_to(*alices, papers));
}

TEST_CASE(
    "a KEM ciphertext for another key is sealed as well as any: the last tag finds it out, and the genuine answer still counts") {
    Two two(Suite::hybrid);
    const PendingInitiation pending = two.initiate();
    const auto psk = paper::bytes32(two.preshared.view());
    const auto answer = [&](const crypto::KemPublicKey& to) {
        paper::Opened opened = paper::read_initiation(two.suite, two.initiation, two.bob.private_key);
        const KeyPair fresh = make_pair(two.random);
        const paper::Response response{0xbee, 0xa11ce, fresh.private_key,     opened.ephemeral, two.alice.public_key,
                                       psk,   to,      two.random.array<32>()};
        return std::pair(paper::write(response, opened.state), opened.kem_key);
    };
    const crypto::KemPublicKey another = crypto::public_key_of(crypto::KemPrivateKey(two.random.array<64>()));
    const auto [forged, kem_key] = answer(another);
    const auto read = read_response(pending, two.alice, two.bob_for_alice, response_view(forged));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error() == Drop::bad_tag);
    CHECK(read_response(pending, two.alice, two.bob_for_alice, response_view(answer(kem_key).first)).has_value());
}

TEST_CASE("what is no KEM key is found out when the initiation is to be answered") {
    Two two(Suite::hybrid);
    const KeyPair fresh = make_pair(two.random);
    paper::Initiation initiation{7, fresh.private_key, two.alice.private_key, two.bob.public_key, noon, Suite::hybrid};
    initiation.kem_key[1183 - 32] = std::byte{0xff}; // of the last coefficient, which would be 4080 or more
    two.initiation = paper::write(initiation).first;
    const auto bobs = two.answer();
    REQUIRE_FALSE(bobs.has_value());
    CHECK(bobs.error() == Drop::malformed);
}

TEST_CASE("two initiations never share an ephemeral key, nor a KEM key") {
    Two two;
    (void)two.initiate();
    const paper::Opened first = paper::read_initiation(two.suite, two.initiation, two.bob.private_key);
    (void)two.initiate();
    const paper::Opened second = paper::read_initiation(two.suite, two.initiation, two.bob.private_key);
    CHECK(first.ephemeral != second.ephemeral);
    CHECK((first.kem_key != second.kem_key) == (two.suite == Suite::hybrid));
}

TEST_CASE("no sealed byte of an initiation can be changed unseen, and the genuine one is answered afterwards") {
    Two two;
    const PendingInitiation pending = two.initiate();
    const ByteVector genuine = two.initiation;
    for (std::size_t i = 8; i < genuine.size() - 32; ++i) { // the rest is the door's to check: see cookie_test
        for (const auto flip : {std::byte{1}, std::byte{0x40}}) {
            two.initiation = genuine;
            two.initiation[i] ^= flip;
            const auto answered = two.answer();
            if (answered) FAIL("byte ", i);
            if (answered.error() != Drop::bad_tag) FAIL("byte ", i, ": another reason");
        }
    }
    two.initiation = genuine;
    REQUIRE(two.answer().has_value());
    CHECK(read_response(pending, two.alice, two.bob_for_alice, response_view(two.response)).has_value());
}

TEST_CASE("no sealed byte of a response can be changed unseen, and the genuine one ends the handshake afterwards") {
    Two two;
    const PendingInitiation pending = two.initiate();
    const auto bobs = two.answer();
    REQUIRE(bobs.has_value());
    for (std::size_t i = 12; i < two.response.size() - 32; ++i) {
        ByteVector forged = two.response;
        forged[i] ^= std::byte{1};
        const auto read = read_response(pending, two.alice, two.bob_for_alice, response_view(forged));
        if (read) FAIL("byte ", i);
        if (read.error() != Drop::bad_tag) FAIL("byte ", i, ": another reason");
    }
    const auto alices = read_response(pending, two.alice, two.bob_for_alice, response_view(two.response));
    REQUIRE(alices.has_value());
    CHECK(speaks_to(*alices, *bobs));
}

TEST_CASE("another preshared key is answered, but the answer is not understood") {
    Two two;
    const PendingInitiation pending = two.initiate();
    two.alice_for_bob.preshared_key = make_preshared(two.random);
    REQUIRE(two.answer().has_value());
    const auto read = read_response(pending, two.alice, two.bob_for_alice, response_view(two.response));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error() == Drop::bad_tag);
}

TEST_CASE("no preshared key is a preshared key of 32 zero bytes") {
    Two two;
    two.bob_for_alice.preshared_key = crypto::PresharedKey();
    two.alice_for_bob.preshared_key = preshared_key("0000000000000000000000000000000000000000000000000000000000000000");
    const PendingInitiation pending = two.initiate();
    REQUIRE(two.answer().has_value());
    CHECK(read_response(pending, two.alice, two.bob_for_alice, response_view(two.response)).has_value());
}

TEST_CASE("an initiation to somebody else's key is not understood") {
    Two two;
    (void)two.initiate();
    const KeyPair carol = make_pair(two.random);
    const auto opened = read_initiator(carol, initiation_view(two.initiation));
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error() == Drop::bad_tag);
}

TEST_CASE("who only names another's public key can't write its timestamp") {
    Two two;
    // Mallory seals Alice's name, which he knows, but has to agree with his own key for `ss`.
    const KeyPair mallory = make_pair(two.random);
    const KeyPair fresh = make_pair(two.random);
    two.initiation = paper::write(paper::Initiation{.ephemeral = fresh.private_key,
                                                    .static_key = mallory.private_key,
                                                    .responder = two.bob.public_key,
                                                    .timestamp = noon,
                                                    .suite = two.suite,
                                                    .claimed = &two.alice.public_key})
                         .first;
    auto opened = read_initiator(two.bob, initiation_view(two.initiation));
    REQUIRE(opened.has_value());
    CHECK(opened->initiator() == two.alice.public_key);
    const auto timestamp = read_timestamp(*opened, two.bob, two.alice_for_bob, initiation_view(two.initiation));
    REQUIRE_FALSE(timestamp.has_value());
    CHECK(timestamp.error() == Drop::bad_tag);
}

TEST_CASE("a peer whose key has low order is never spoken to, nor answered") {
    Two two;
    for (const std::string_view point : low_order_points) {
        CAPTURE(point);
        const RemoteIdentity nobody(public_key(point), crypto::PresharedKey(), two.alice);
        CHECK(nobody.agreement_with(two.alice) == nullptr);
        const auto made = make_initiation(two.suite, two.alice, nobody, LocalIndex{1}, noon, two.random, two.initiation);
        REQUIRE_FALSE(made.has_value());
        CHECK(made.error() == Drop::low_order_key);

        (void)two.initiate();
        auto opened = read_initiator(two.bob, initiation_view(two.initiation));
        REQUIRE(opened.has_value());
        const RemoteIdentity nobody_for_bob(public_key(point), crypto::PresharedKey(), two.bob);
        const auto timestamp = read_timestamp(*opened, two.bob, nobody_for_bob, initiation_view(two.initiation));
        REQUIRE_FALSE(timestamp.has_value());
        CHECK(timestamp.error() == Drop::low_order_key);
    }
}

TEST_CASE("an ephemeral of low order ends a handshake on either side") {
    Two two;
    const PendingInitiation pending = two.initiate();
    REQUIRE(two.answer().has_value());
    for (const std::string_view point : low_order_points) {
        CAPTURE(point);
        ByteVector initiation = two.initiation;
        copy(vectors::from_hex(point), MutableBytes(initiation).subspan(8));
        const auto opened = read_initiator(two.bob, initiation_view(initiation));
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error() == Drop::low_order_key);
        ByteVector response = two.response;
        copy(vectors::from_hex(point), MutableBytes(response).subspan(12));
        const auto read = read_response(pending, two.alice, two.bob_for_alice, response_view(response));
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error() == Drop::low_order_key);
    }
}

TEST_CASE("a new key of ours is agreed upon anew") {
    Two two;
    const KeyPair new_alice = make_pair(two.random);
    two.bob_for_alice.agree_with(new_alice);
    two.alice = new_alice.clone();
    two.alice_for_bob = RemoteIdentity(new_alice.public_key, two.preshared.clone(), two.bob);
    const PendingInitiation pending = two.initiate();
    REQUIRE(two.answer().has_value());
    CHECK(read_response(pending, two.alice, two.bob_for_alice, response_view(two.response)).has_value());
}
