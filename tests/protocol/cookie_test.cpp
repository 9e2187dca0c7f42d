// PROTOCOL 2, the WireGuard paper 5.3, 5.4.4 and 5.4.7: mac1, mac2 and the cookie between them.
#include "common/protocol/cookie.hpp"

#include "common/crypto/aead.hpp"
#include "tests/support/keys.hpp"
#include "tests/support/paper.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

using Macs = MacFields<const std::byte>;

Endpoint at(std::string_view text) { return *Endpoint::parse(text); }

/// A busy responder and an initiator that knows its key.
struct Busy {
    SeededRandom random{21};
    VirtualClock clock;
    noise::KeyPair responder = make_pair(random);
    MacKeys keys{responder.public_key};
    CookieMint mint;
    CookieJar jar{responder.public_key};
    Endpoint home = at("192.0.2.7:40000");

    /// The initiator's next message, of either kind.
    ByteVector message(std::size_t size = 148) {
        ByteVector bytes = random.bytes(size);
        std::fill(bytes.end() - 32, bytes.end(), std::byte{0});
        jar.write_macs({bytes}, clock.boot());
        return bytes;
    }
    ByteVector reply_to(const ByteVector& bytes, const Endpoint& source, std::uint32_t sender = 99) {
        ByteVector reply(64);
        mint.write_reply(keys, Macs{bytes}, RemoteIndex{sender}, source, clock.boot(), random, reply);
        return reply;
    }
    Checked<void> read(const ByteVector& reply) {
        return jar.handle_reply(std::get<CookieReplyView>(*decode(reply)), clock.boot());
    }
    bool welcome(const ByteVector& bytes, const Endpoint& source) const {
        return mint.mac2_is_valid(Macs{bytes}, source, clock.boot());
    }
};

bool is_zero(Bytes bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

} // namespace

TEST_CASE("mac1 is the keyed BLAKE2s-128 of all before it, under the hash of a label and the receiver's key") {
    Busy busy;
    for (const std::size_t size : {std::size_t{148}, std::size_t{92}, std::size_t{1396}, std::size_t{1228}}) {
        const ByteVector message = busy.message(size);
        ByteVector by_the_paper = message;
        paper::write_mac1(by_the_paper, busy.responder.public_key);
        CHECK(message == by_the_paper);
        CHECK(busy.keys.mac1_is_valid(Macs{message}));
    }
}

TEST_CASE("no byte before or in mac1 can be changed, and mac2 is none of its business") {
    Busy busy;
    for (const std::size_t size : {std::size_t{148}, std::size_t{92}, std::size_t{1396}, std::size_t{1228}}) {
        const ByteVector genuine = busy.message(size);
        for (std::size_t i = 0; i < size; ++i) {
            ByteVector forged = genuine;
            forged[i] ^= std::byte{1};
            if (busy.keys.mac1_is_valid(Macs{forged}) != (i >= size - 16)) FAIL("byte ", i);
        }
    }
}

TEST_CASE("a message for somebody else has no valid mac1") {
    Busy busy;
    const MacKeys others(make_pair(busy.random).public_key);
    CHECK_FALSE(others.mac1_is_valid(Macs{busy.message()}));
}

TEST_CASE("without a cookie mac2 is zeros, and zeros are no cookie") {
    Busy busy;
    const ByteVector message = busy.message();
    CHECK(is_zero(Macs{message}.mac2()));
    CHECK_FALSE(busy.welcome(message, busy.home)); // before a cookie was ever made
    (void)busy.reply_to(message, busy.home);
    CHECK_FALSE(busy.welcome(message, busy.home));
}

TEST_CASE("a cookie reply is sealed with XChaCha20-Poly1305 under the sender's cookie key, for the mac1 that it answers") {
    Busy busy;
    const ByteVector message = busy.message();
    const ByteVector reply = busy.reply_to(message, busy.home, 0x0a0b0c0d);
    CHECK(reply.size() == 64);
    CHECK(format_hex(Bytes(reply).first(8)) == "030000000d0c0b0a");

    const crypto::Hash key = crypto::hash({bytes_of("cookie--"), busy.responder.public_key.bytes});
    crypto::XNonce nonce{};
    copy(Bytes(reply).subspan(8, 24), nonce);
    ByteArray<16> cookie{};
    REQUIRE(crypto::open_x(key, nonce, Bytes(reply).subspan(32, 32), Macs{message}.mac1(), cookie));

    ByteVector next = busy.message();
    paper::write_mac2(next, cookie);
    CHECK(busy.welcome(next, busy.home));
}

TEST_CASE("who read the reply writes a mac2 that is accepted, on initiations and on responses") {
    Busy busy;
    REQUIRE(busy.read(busy.reply_to(busy.message(), busy.home)));
    for (const std::size_t size : {std::size_t{148}, std::size_t{92}, std::size_t{1396}, std::size_t{1228}}) {
        const ByteVector message = busy.message(size);
        CHECK(busy.welcome(message, busy.home));
        for (std::size_t i = 0; i < size; ++i) {
            ByteVector forged = message;
            forged[i] ^= std::byte{0x10};
            if (busy.welcome(forged, busy.home)) FAIL("byte ", i);
        }
    }
}

TEST_CASE("a cookie is good for one address and one port only") {
    Busy busy;
    REQUIRE(busy.read(busy.reply_to(busy.message(), busy.home)));
    const ByteVector message = busy.message();
    CHECK(busy.welcome(message, busy.home));
    CHECK_FALSE(busy.welcome(message, at("192.0.2.8:40000")));
    CHECK_FALSE(busy.welcome(message, at("192.0.2.7:40001")));
    CHECK_FALSE(busy.welcome(message, at("192.0.2.7:16540"))); // the port's two bytes swapped
    CHECK_FALSE(busy.welcome(message, at("[2001:db8::7]:40000")));
}

TEST_CASE("cookies tell IPv6 addresses apart to the last bit") {
    Busy busy;
    REQUIRE(busy.read(busy.reply_to(busy.message(), at("[2001:db8::7]:40000"))));
    const ByteVector message = busy.message();
    CHECK(busy.welcome(message, at("[2001:db8::7]:40000")));
    CHECK_FALSE(busy.welcome(message, at("[2001:db8::6]:40000")));
    CHECK_FALSE(busy.welcome(message, at("[2001:db8::7]:40001")));
}

TEST_CASE("the secret behind the cookies changes every 120 seconds") {
    Busy busy;
    const ByteVector first = busy.message();
    REQUIRE(busy.read(busy.reply_to(first, busy.home)));
    busy.clock.advance(120s - 1ns);
    CHECK(busy.welcome(busy.message(), busy.home));
    const ByteVector last = busy.message();
    busy.clock.advance(1ns);
    CHECK_FALSE(busy.welcome(last, busy.home));

    // The next reply is made with a new secret: what the old one vouched for is still refused.
    (void)busy.reply_to(first, busy.home);
    CHECK_FALSE(busy.welcome(last, busy.home));
    REQUIRE(busy.read(busy.reply_to(busy.message(), busy.home)));
    CHECK(busy.welcome(busy.message(), busy.home));
}

TEST_CASE("within its 120 seconds the secret stays: a cookie survives other people's replies") {
    Busy busy;
    REQUIRE(busy.read(busy.reply_to(busy.message(), busy.home)));
    busy.clock.advance(60s);
    (void)busy.reply_to(busy.message(), at("198.51.100.1:1"));
    busy.clock.advance(59s);
    CHECK(busy.welcome(busy.message(), busy.home));
}

TEST_CASE("an initiator uses a cookie for 120 seconds") {
    Busy busy;
    REQUIRE(busy.read(busy.reply_to(busy.message(), busy.home)));
    busy.clock.advance(120s - 1ns);
    CHECK_FALSE(is_zero(Macs{busy.message()}.mac2()));
    busy.clock.advance(1ns);
    CHECK(is_zero(Macs{busy.message()}.mac2()));
}

TEST_CASE("a reply counts only for the last mac1 that was sent") {
    Busy busy;
    const ByteVector first = busy.message();
    const ByteVector reply_to_first = busy.reply_to(first, busy.home);
    const ByteVector second = busy.message();
    const auto late = busy.read(reply_to_first);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error() == Drop::bad_tag);
    CHECK(is_zero(Macs{busy.message()}.mac2()));
    const ByteVector third = busy.message();
    CHECK(busy.read(busy.reply_to(third, busy.home)).has_value());
}

TEST_CASE("a reply counts once: the same again is refused, and the cookie stays as it was") {
    Busy busy;
    const ByteVector reply = busy.reply_to(busy.message(), busy.home);
    REQUIRE(busy.read(reply));
    busy.clock.advance(100s);
    CHECK_FALSE(busy.read(reply).has_value());
    busy.clock.advance(20s);
    CHECK(is_zero(Macs{busy.message()}.mac2())); // the replay has not lengthened its life
}

TEST_CASE("a reply that nobody asked for is refused") {
    Busy busy;
    Busy stranger;
    const ByteVector reply = busy.reply_to(busy.message(), busy.home);
    const auto read = stranger.read(reply);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error() == Drop::bad_tag);
}

TEST_CASE("no byte of a reply can be changed unseen but its receiver, and a forged one doesn't spoil the genuine one") {
    Busy busy;
    const ByteVector reply = busy.reply_to(busy.message(), busy.home);
    for (std::size_t i = 8; i < 64; ++i) {
        ByteVector forged = reply;
        forged[i] ^= std::byte{1};
        if (busy.read(forged)) FAIL("byte ", i);
    }
    CHECK(is_zero(Macs{ByteVector(148)}.mac2()));
    CHECK(busy.read(reply).has_value());
    CHECK(busy.welcome(busy.message(), busy.home));
}

TEST_CASE("a reply of another responder is refused") {
    Busy busy;
    const MacKeys others(make_pair(busy.random).public_key);
    const ByteVector message = busy.message();
    ByteVector reply(64);
    busy.mint.write_reply(others, Macs{message}, RemoteIndex{1}, busy.home, busy.clock.boot(), busy.random, reply);
    CHECK_FALSE(busy.read(reply).has_value());
}

TEST_CASE("every reply has a nonce of its own") {
    Busy busy;
    const ByteVector message = busy.message();
    const ByteVector one = busy.reply_to(message, busy.home);
    const ByteVector two = busy.reply_to(message, busy.home);
    CHECK_FALSE(std::equal(one.begin() + 8, one.begin() + 32, two.begin() + 8));
}
