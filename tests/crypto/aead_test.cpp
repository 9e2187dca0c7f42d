// ChaCha20-Poly1305 against RFC 8439, XChaCha20-Poly1305 against draft-irtf-cfrg-xchacha-03, and what holds for every AEAD.
//
// Our nonces always begin with four zero bytes. The vector of RFC 8439, A.5, has such a nonce and goes through `open` and
// `seal` as it is. That of 2.8.2 has not: it is held against libsodium itself, and the layout of our nonce against the same call.
#include "common/crypto/aead.hpp"

#include "common/crypto/system_random.hpp"
#include "tests/vectors/hex.hpp"
#include "tests/vectors/reference.hpp"

#include <doctest/doctest.h>
#include <sodium/crypto_aead_chacha20poly1305.h>

#include <optional>
#include <string>
#include <string_view>

using namespace vpn;
using namespace vpn::crypto;
using vpn::vectors::array_from_hex;
using vpn::vectors::from_hex;
using vpn::vectors::pattern;

namespace {

constexpr std::string_view sunscreen = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
                                       "future, sunscreen would be it.";
constexpr auto rfc_key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
constexpr auto rfc_associated = "50515253c0c1c2c3c4c5c6c7";

AeadKey key_of(Bytes bytes) { return AeadKey(bytes.first<32>()); }

/// An AEAD, and the size of its tag as its specification has it.
struct Kind {
    Aead aead;
    std::size_t tag;
};
constexpr Kind chacha{Aead::chacha20_poly1305, 16};
constexpr Kind aegis{Aead::aegis256, 32};

ByteVector sealed(Kind kind, const AeadKey& key, std::uint64_t counter, Bytes plaintext, Bytes associated) {
    ByteVector out(plaintext.size() + kind.tag);
    seal(kind.aead, key, counter, plaintext, associated, out);
    return out;
}

/// The plaintext, or nothing if it didn't open.
std::optional<ByteVector> opened(Kind kind, const AeadKey& key, std::uint64_t counter, Bytes text, Bytes associated) {
    ByteVector out(text.size() - kind.tag);
    return open(kind.aead, key, counter, text, associated, out) ? std::optional(out) : std::nullopt;
}

/// libsodium with a nonce of our choice.
ByteVector sealed_with_nonce(Bytes key, Bytes nonce, Bytes plaintext, Bytes associated) {
    const auto raw = [](Bytes bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); };
    ByteVector out(plaintext.size() + 16);
    crypto_aead_chacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(out.data()), nullptr, raw(plaintext),
                                              plaintext.size(), raw(associated), associated.size(), nullptr, raw(nonce),
                                              raw(key));
    return out;
}

struct Rfc8439A5 {
    AeadKey key = key_of(from_hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"));
    std::uint64_t counter = 0x0807060504030201; // the nonce is 00000000 0102030405060708
    ByteVector associated = from_hex("f33388860000000000004e91");
    ByteVector ciphertext = from_hex(
        "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100"
        "d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b350638"
        "3606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa115"
        "5b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
        "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709b"
        "eead9d67890cbb22392336fea1851f38");
    std::string plaintext =
        "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted by "
        "other "
        "documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite them other than as "
        "/\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
};

} // namespace

TEST_CASE("the decryption vector of RFC 8439, A.5, opens") {
    const Rfc8439A5 vector;
    const auto plaintext = opened(chacha, vector.key, vector.counter, vector.ciphertext, vector.associated);
    REQUIRE(plaintext);
    CHECK(std::string(reinterpret_cast<const char*>(plaintext->data()), plaintext->size()) == vector.plaintext);
    CHECK(sealed(chacha, vector.key, vector.counter, bytes_of(vector.plaintext), vector.associated) == vector.ciphertext);
}

TEST_CASE("libsodium underneath gives the vector of RFC 8439, 2.8.2") {
    const ByteVector text =
        sealed_with_nonce(from_hex(rfc_key), from_hex("070000004041424344454647"), bytes_of(sunscreen), from_hex(rfc_associated));
    CHECK(format_hex(text) == "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                              "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                              "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                              "3ff4def08e4b7a9de576d26586cec64b6116"
                              "1ae10b594f09e26a7e902ecbd0600691");
}

TEST_CASE("the nonce is four zero bytes and the counter, least significant byte first") {
    const ByteVector key = from_hex(rfc_key);
    const ByteVector associated = from_hex(rfc_associated);
    CHECK(sealed(chacha, key_of(key), 0x4746454443424140, bytes_of(sunscreen), associated) ==
          sealed_with_nonce(key, from_hex("000000004041424344454647"), bytes_of(sunscreen), associated));
    CHECK(sealed(chacha, key_of(key), 1, bytes_of(sunscreen), associated) ==
          sealed_with_nonce(key, from_hex("000000000100000000000000"), bytes_of(sunscreen), associated));
}

namespace {

void check_sealed_texts(Kind kind, std::span<const vectors::Sealed> table) {
    for (const vectors::Sealed& vector : table) {
        CAPTURE(vector.counter);
        CAPTURE(vector.size);
        CAPTURE(vector.associated_size);
        const AeadKey key = key_of(pattern(32, 11, vector.start));
        const ByteVector plaintext = pattern(vector.size, 7, vector.start);
        const ByteVector associated = pattern(vector.associated_size, 5, vector.start);
        const ByteVector text = sealed(kind, key, vector.counter, plaintext, associated);
        CHECK(format_hex(Bytes(text).last(kind.tag)) == vector.tag);
        CHECK(opened(kind, key, vector.counter, text, associated) == plaintext);
    }
}

} // namespace

TEST_CASE("tags are those of implementations written from the specifications, for every kind of counter and length") {
    SUBCASE("by the portable code of a libsodium that was never started") {}
    SUBCASE("by the code that libsodium chooses for this processor") { SystemRandom(); }
    check_sealed_texts(chacha, vectors::sealed_texts);
    check_sealed_texts(aegis, vectors::aegis_sealed_texts);
}

TEST_CASE("sealing and opening work in place") {
    const AeadKey key = key_of(pattern(32, 3, 1));
    for (const Kind kind : {chacha, aegis}) {
        for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 63U, 64U, 65U, 255U, 256U, 512U, 513U, 1024U, 1420U, 4096U}) {
            CAPTURE(kind.tag);
            CAPTURE(size);
            const ByteVector plaintext = pattern(size, 7, 0);
            const ByteVector apart = sealed(kind, key, 9, plaintext, {});
            ByteVector buffer = plaintext;
            buffer.resize(size + kind.tag);
            seal(kind.aead, key, 9, Bytes(buffer).first(size), {}, buffer);
            CHECK(buffer == apart);
            REQUIRE(open(kind.aead, key, 9, buffer, {}, MutableBytes(buffer).first(size)));
            CHECK(std::equal(plaintext.begin(), plaintext.end(), buffer.begin()));
        }
    }
}

TEST_CASE("nothing opens if one bit of it is wrong") {
    const AeadKey key = key_of(pattern(32, 3, 1));
    const auto flip = [](ByteVector& bytes, std::size_t bit) { bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8); };
    for (const Kind kind : {chacha, aegis}) {
        ByteVector associated = pattern(13, 5, 0);
        ByteVector text = sealed(kind, key, 7, pattern(33, 7, 0), associated);
        const auto opens = [&] { return opened(kind, key, 7, text, associated).has_value(); };
        REQUIRE(opens());
        for (ByteVector* part : {&text, &associated}) {
            for (std::size_t bit = 0; bit < part->size() * 8; ++bit) {
                flip(*part, bit);
                CHECK_FALSE(opens());
                flip(*part, bit);
            }
        }
        for (unsigned bit = 0; bit < 64; ++bit) CHECK_FALSE(opened(kind, key, 7 ^ std::uint64_t{1} << bit, text, associated));
        CHECK_FALSE(opened(kind, key_of(pattern(32, 3, 2)), 7, text, associated));
        CHECK_FALSE(opened(kind, key, 7, Bytes(text).first(text.size() - 1), associated));
        CHECK_FALSE(opened(kind, key, 7, text, Bytes(associated).first(12)));
        CHECK(opens());
    }
}

TEST_CASE("what is shorter than a tag never opens") {
    const AeadKey key = key_of(pattern(32, 3, 1));
    for (const Kind kind : {chacha, aegis}) {
        const ByteVector tag = sealed(kind, key, 0, {}, {});
        CHECK(tag_size(kind.aead) == kind.tag);
        CHECK(open(kind.aead, key, 0, tag, {}, {}));
        for (std::size_t size = 0; size < kind.tag; ++size) {
            CHECK_FALSE(open(kind.aead, key, 0, Bytes(tag).first(size), {}, {}));
            if (size < 16) CHECK_FALSE(open_x(key.view(), XNonce{}, Bytes(tag).first(size), {}, {}));
        }
    }
}

TEST_CASE("the vector of XChaCha20-Poly1305 in draft-irtf-cfrg-xchacha-03, A.3.1") {
    const ByteVector key = from_hex(rfc_key);
    const auto nonce = array_from_hex<24>("404142434445464748494a4b4c4d4e4f5051525354555657");
    ByteVector text(sunscreen.size() + 16);
    seal_x(key, nonce, bytes_of(sunscreen), from_hex(rfc_associated), text);
    CHECK(format_hex(text) == "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
                              "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
                              "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
                              "21f9664c97637da9768812f615c68b13b52e"
                              "c0875924c1c7987947deafd8780acf49");
    ByteVector plaintext(sunscreen.size());
    REQUIRE(open_x(key, nonce, text, from_hex(rfc_associated), plaintext));
    CHECK(std::equal(plaintext.begin(), plaintext.end(), bytes_of(sunscreen).begin()));
}

TEST_CASE("a cookie opens only with its key, its nonce and the mac1 it answers") {
    const ByteVector key = pattern(32, 3, 1);
    const ByteVector mac1 = pattern(16, 5, 0);
    XNonce nonce = array_from_hex<24>("404142434445464748494a4b4c4d4e4f5051525354555657");
    ByteArray<32> text{};
    ByteArray<16> cookie{};
    seal_x(key, nonce, pattern(16, 7, 0), mac1, text);
    REQUIRE(open_x(key, nonce, text, mac1, cookie));
    CHECK_FALSE(open_x(pattern(32, 3, 2), nonce, text, mac1, cookie));
    CHECK_FALSE(open_x(key, nonce, text, pattern(16, 5, 1), cookie));
    for (std::byte& byte : nonce) {
        byte ^= std::byte{1};
        CHECK_FALSE(open_x(key, nonce, text, mac1, cookie));
        byte ^= std::byte{1};
    }
    for (std::byte& byte : text) {
        byte ^= std::byte{0x80};
        CHECK_FALSE(open_x(key, nonce, text, mac1, cookie));
        byte ^= std::byte{0x80};
    }
}
