// The code that talks, run through the published vector of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, both sides.
#include "common/protocol/noise.hpp"

#include "tests/support/keys.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/suites.hpp"
#include "tests/vectors/noise_ikpsk2.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::protocol::noise;
using vpn::support::make_pair;
using vpn::support::preshared_key;
using vpn::support::private_key;
using vpn::support::public_key;
using vpn::support::SeededRandom;
using vpn::vectors::from_hex;
using vpn::vectors::noise_ikpsk2;

namespace {

FirstMessage<const std::byte> first(Bytes m) { return {m.first(32), {}, m.subspan(32, 48), m.subspan(80)}; }
FirstMessage<std::byte> first(MutableBytes m) { return {m.first(32), {}, m.subspan(32, 48), m.subspan(80)}; }
SecondMessage<const std::byte> second(Bytes m) { return {m.first(32), {}, m.subspan(32)}; }
SecondMessage<std::byte> second(MutableBytes m) { return {m.first(32), {}, m.subspan(32)}; }

crypto::SharedSecret agreement(const KeyPair& ours, const crypto::PublicKey& theirs) {
    crypto::SharedSecret shared;
    REQUIRE(crypto::agree(ours.private_key, theirs, shared));
    return shared;
}

/// The two people of the vector.
struct Cast {
    KeyPair initiator{private_key(noise_ikpsk2.init_static)};
    KeyPair responder{private_key(noise_ikpsk2.resp_static)};
    crypto::PresharedKey preshared = preshared_key(noise_ikpsk2.init_psks);
    ByteVector prologue = from_hex(noise_ikpsk2.init_prologue);
    ByteVector payload(std::size_t message) const { return from_hex(noise_ikpsk2.messages.at(message).payload); }
    ByteVector ciphertext(std::size_t message) const { return from_hex(noise_ikpsk2.messages.at(message).ciphertext); }

    Checked<Initiator> start(MutableBytes out) const {
        InitiatorEphemeral ephemeral{KeyPair(private_key(noise_ikpsk2.init_ephemeral)), std::nullopt};
        return Initiator::start(Suite::wireguard, prologue, initiator, responder.public_key,
                                agreement(initiator, responder.public_key), std::move(ephemeral), payload(0), first(out));
    }
};

void check_transport(const TransportKeys& keys, const Cast& cast) {
    for (std::size_t i = 2; i < noise_ikpsk2.messages.size(); ++i) {
        const ByteVector plain = cast.payload(i);
        const crypto::AeadKey& key = i % 2 == 0 ? keys.initiator_to_responder : keys.responder_to_initiator;
        const std::uint64_t counter = (i - 2) / 2;
        ByteVector sealed(plain.size() + 16);
        crypto::seal(crypto::Aead::chacha20_poly1305, key, counter, plain, {}, sealed);
        CHECK(sealed == cast.ciphertext(i));
        ByteVector opened(plain.size());
        CHECK(crypto::open(crypto::Aead::chacha20_poly1305, key, counter, cast.ciphertext(i), {}, opened));
        CHECK(opened == plain);
    }
}

} // namespace

TEST_CASE("the initiator of the published vector writes its first message and understands the answer") {
    const Cast cast;
    CHECK(cast.responder.public_key == public_key(noise_ikpsk2.init_remote_static));
    ByteVector message(96 + cast.payload(0).size());
    const auto initiator = cast.start(message);
    REQUIRE(initiator.has_value());
    CHECK(message == cast.ciphertext(0));

    ByteVector payload(cast.payload(1).size());
    const auto finished = initiator->finish(cast.initiator, cast.preshared, second(Bytes(cast.ciphertext(1))), payload);
    REQUIRE(finished.has_value());
    CHECK(payload == cast.payload(1));
    CHECK(format_hex(finished->handshake_hash()) == noise_ikpsk2.handshake_hash);
    check_transport(finished->split(), cast);
}

TEST_CASE("the responder of the published vector understands the first message and writes the answer") {
    const Cast cast;
    const ByteVector opening = cast.ciphertext(0);
    auto responder = Responder::read_static(Suite::wireguard, cast.prologue, cast.responder, first(Bytes(opening)));
    REQUIRE(responder.has_value());
    CHECK(responder->initiator() == cast.initiator.public_key);
    ByteVector payload(cast.payload(0).size());
    REQUIRE(responder->read_payload(agreement(cast.responder, cast.initiator.public_key), first(Bytes(opening)).sealed_payload,
                                    payload));
    CHECK(payload == cast.payload(0));

    ByteVector answer(48 + cast.payload(1).size());
    const ResponderEphemeral ephemeral{KeyPair(private_key(noise_ikpsk2.resp_ephemeral)), std::nullopt};
    const auto finished = std::move(*responder).answer(ephemeral, cast.preshared, cast.payload(1), second(MutableBytes(answer)));
    REQUIRE(finished.has_value());
    CHECK(answer == cast.ciphertext(1));
    CHECK(format_hex(finished->handshake_hash()) == noise_ikpsk2.handshake_hash);
    check_transport(finished->split(), cast);
}

TEST_CASE("no byte of the first message can be changed unseen") {
    const Cast cast;
    const ByteVector genuine = cast.ciphertext(0);
    for (std::size_t i = 0; i < genuine.size(); ++i) {
        ByteVector forged = genuine;
        forged[i] ^= std::byte{1};
        auto responder = Responder::read_static(Suite::wireguard, cast.prologue, cast.responder, first(Bytes(forged)));
        if (i < 80) {
            if (responder) FAIL("byte ", i);
            continue;
        }
        REQUIRE(responder.has_value());
        ByteVector payload(cast.payload(0).size());
        if (responder->read_payload(agreement(cast.responder, cast.initiator.public_key), first(Bytes(forged)).sealed_payload,
                                    payload))
            FAIL("byte ", i);
    }
}

TEST_CASE("no byte of the answer can be changed unseen, and the initiator still understands the genuine one afterwards") {
    const Cast cast;
    ByteVector message(96 + cast.payload(0).size());
    const auto initiator = cast.start(message);
    REQUIRE(initiator.has_value());
    const ByteVector genuine = cast.ciphertext(1);
    ByteVector payload(cast.payload(1).size());
    for (std::size_t i = 0; i < genuine.size(); ++i) {
        ByteVector forged = genuine;
        forged[i] ^= std::byte{0x80};
        if (initiator->finish(cast.initiator, cast.preshared, second(Bytes(forged)), payload)) FAIL("byte ", i);
    }
    CHECK(initiator->finish(cast.initiator, cast.preshared, second(Bytes(genuine)), payload));
    CHECK(payload == cast.payload(1));
}

TEST_CASE("another prologue, another preshared key or another responder ends the conversation") {
    const Cast cast;
    SeededRandom random(7);
    const ByteVector opening = cast.ciphertext(0);
    const ByteVector other_prologue = from_hex("00");
    CHECK_FALSE(Responder::read_static(Suite::wireguard, other_prologue, cast.responder, first(Bytes(opening))).has_value());
    CHECK_FALSE(Responder::read_static(Suite::wireguard, cast.prologue, make_pair(random), first(Bytes(opening))).has_value());

    ByteVector message(opening.size());
    const auto initiator = cast.start(message);
    REQUIRE(initiator.has_value());
    ByteVector payload(cast.payload(1).size());
    const auto wrong = initiator->finish(cast.initiator, crypto::PresharedKey(), second(Bytes(cast.ciphertext(1))), payload);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error() == Drop::bad_tag);
}

TEST_CASE("an ephemeral of low order is refused by either side") {
    const Cast cast;
    ByteVector message(96 + cast.payload(0).size());
    const auto initiator = cast.start(message);
    REQUIRE(initiator.has_value());
    for (const std::string_view point : support::low_order_points) {
        CAPTURE(point);
        ByteVector opening = cast.ciphertext(0);
        copy(from_hex(point), opening);
        const auto responder = Responder::read_static(Suite::wireguard, cast.prologue, cast.responder, first(Bytes(opening)));
        REQUIRE_FALSE(responder.has_value());
        CHECK(responder.error() == Drop::low_order_key);

        ByteVector answer = cast.ciphertext(1);
        copy(from_hex(point), answer);
        ByteVector payload(cast.payload(1).size());
        const auto finished = initiator->finish(cast.initiator, cast.preshared, second(Bytes(answer)), payload);
        REQUIRE_FALSE(finished.has_value());
        CHECK(finished.error() == Drop::low_order_key);
    }
}

TEST_CASE("a cipher key counts the fields it seals, and starts at zero again with each new key") {
    for (const Suite suite : every_suite) {
        const std::size_t tag = support::numbers_of(suite).tag;
        SeededRandom random(3);
        const KeyPair ours = make_pair(random);
        const KeyPair theirs = make_pair(random);
        SymmetricState state(suite, {}, theirs.public_key);
        REQUIRE(state.mix_agreement(ours.private_key, theirs.public_key));
        SymmetricState other = state.clone();
        const ByteVector field = random.bytes(20);
        ByteVector one(20 + tag);
        ByteVector two(20 + tag);
        state.seal(field, one);
        state.seal(field, two);
        CHECK(one != two);
        ByteVector opened(20);
        REQUIRE(other.open(one, opened));
        CHECK(opened == field);
        CHECK_FALSE(other.clone().open(one, opened));
        REQUIRE(other.open(two, opened));
        CHECK(opened == field);
        CHECK(state.handshake_hash() == other.handshake_hash());
    }
}

TEST_CASE("a failed open changes nothing: the genuine field is still opened") {
    for (const Suite suite : every_suite) {
        SeededRandom random(4);
        const KeyPair ours = make_pair(random);
        const KeyPair theirs = make_pair(random);
        SymmetricState writer(suite, {}, theirs.public_key);
        REQUIRE(writer.mix_agreement(ours.private_key, theirs.public_key));
        SymmetricState reader = writer.clone();
        ByteVector sealed(20 + support::numbers_of(suite).tag);
        const ByteVector field = random.bytes(20);
        writer.seal(field, sealed);
        ByteVector forged = sealed;
        forged[0] ^= std::byte{1};
        ByteVector opened(20);
        CHECK_FALSE(reader.open(forged, opened));
        CHECK(reader.open(sealed, opened));
        CHECK(opened == field);
    }
}
