// AEGIS-256 against draft-irtf-cfrg-aegis-aead, A.3 (its tags of 256 bits).
//
// The draft's nonces don't begin with 24 zero bytes, as ours do: its vectors are held against libsodium itself, and the layout of
// our nonce against the same call. What a second implementation makes of our kind of nonce stands in aead_test.
#include "common/crypto/aead.hpp"

#include "tests/vectors/hex.hpp"

#include <doctest/doctest.h>
#include <sodium/crypto_aead_aegis256.h>

#include <string>
#include <string_view>

using namespace vpn;
using namespace vpn::crypto;
using vpn::vectors::from_hex;
using vpn::vectors::pattern;

namespace {

constexpr std::string_view draft_key = "1001000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view draft_nonce = "1000020000000000000000000000000000000000000000000000000000000000";

struct Vector {
    std::string_view associated, plaintext, ciphertext, tag;
};
constexpr Vector draft[] = {
    {"", "00000000000000000000000000000000", "754fc3d8c973246dcc6d741412a4b236",
     "1181a1d18091082bf0266f66297d167d2e68b845f61a3b0527d31fc7b7b89f13"},
    {"", "", "", "6a348c930adbd654896e1666aad67de989ea75ebaa2b82fb588977b1ffec864a"},
    {"0001020304050607", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "f373079ed84b2709faee373584585d60accd191db310ef5d8b11833df9dec711",
     "b7d28d0c3c0ebd409fd22b44160503073a547412da0854bfb9723020dab8da1a"},
    {"0001020304050607", "000102030405060708090a0b0c0d", "f373079ed84b2709faee37358458",
     "8c1cc703c81281bee3f6d9966e14948b4a175b2efbdc31e61a98b4465235c2d9"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829",
     "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
     "57754a7d09963e7c787583a2e7b859bb24fa1e04d49fd550b2511a358e3bca252a9b1b8b30cc4a67",
     "a3aca270c006094d71c20e6910b5161c0826df233d08919a566ec2c05990f734"},
};

const unsigned char* raw(const ByteVector& bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

ByteVector sealed_by_libsodium(const ByteVector& key, const ByteVector& nonce, const ByteVector& plaintext,
                               const ByteVector& associated) {
    ByteVector out(plaintext.size() + 32);
    crypto_aead_aegis256_encrypt(reinterpret_cast<unsigned char*>(out.data()), nullptr, raw(plaintext), plaintext.size(),
                                 raw(associated), associated.size(), nullptr, raw(nonce), raw(key));
    return out;
}

bool libsodium_opens(std::string_view key, std::string_view nonce, std::string_view text, std::string_view associated) {
    const ByteVector sealed = from_hex(text);
    const ByteVector with = from_hex(associated);
    ByteVector out(sealed.size() - 32);
    return crypto_aead_aegis256_decrypt(reinterpret_cast<unsigned char*>(out.data()), nullptr, nullptr, raw(sealed),
                                        sealed.size(), raw(with), with.size(), raw(from_hex(nonce)), raw(from_hex(key))) == 0;
}

} // namespace

TEST_CASE("libsodium underneath gives the five vectors of the AEGIS draft that seal") {
    for (const Vector& vector : draft) {
        const ByteVector text = sealed_by_libsodium(from_hex(draft_key), from_hex(draft_nonce), from_hex(vector.plaintext),
                                                    from_hex(vector.associated));
        const std::string expected = std::string(vector.ciphertext) + std::string(vector.tag);
        CHECK(format_hex(text) == expected);
        CHECK(libsodium_opens(draft_key, draft_nonce, expected, vector.associated));
    }
}

TEST_CASE("and refuses the four that must not open: key and nonce exchanged, ciphertext, associated data, tag") {
    const std::string tag = "8c1cc703c81281bee3f6d9966e14948b4a175b2efbdc31e61a98b4465235c2d9";
    CHECK_FALSE(libsodium_opens(draft_nonce, draft_key, "f373079ed84b2709faee37358458" + tag, "0001020304050607"));
    CHECK_FALSE(libsodium_opens(draft_key, draft_nonce, "f373079ed84b2709faee37358459" + tag, "0001020304050607"));
    CHECK_FALSE(libsodium_opens(draft_key, draft_nonce, "f373079ed84b2709faee37358458" + tag, "0001020304050608"));
    CHECK_FALSE(libsodium_opens(draft_key, draft_nonce,
                                "f373079ed84b2709faee37358458"
                                "8c1cc703c81281bee3f6d9966e14948b4a175b2efbdc31e61a98b4465235c2da",
                                "0001020304050607"));
}

TEST_CASE("our nonce for AEGIS-256 is 24 zero bytes and the counter, least significant byte first") {
    const ByteVector key = pattern(32, 3, 1);
    const ByteVector plaintext = pattern(1420, 7, 0);
    const ByteVector associated = pattern(32, 5, 0);
    const auto ours = [&](std::uint64_t counter) {
        ByteVector out(plaintext.size() + 32);
        seal(Aead::aegis256, AeadKey(Bytes(key).first<32>()), counter, plaintext, associated, out);
        return out;
    };
    const auto theirs = [&](std::string_view last_eight) {
        ByteVector nonce(24);
        const ByteVector last = from_hex(last_eight);
        nonce.insert(nonce.end(), last.begin(), last.end());
        return sealed_by_libsodium(key, nonce, plaintext, associated);
    };
    CHECK(ours(0) == theirs("0000000000000000"));
    CHECK(ours(1) == theirs("0100000000000000"));
    CHECK(ours(0x4746454443424140) == theirs("4041424344454647"));
}

TEST_CASE("whether AEGIS is fast here can be asked, and the answer stays") {
    const bool fast = aegis_is_fast();
    CHECK(aegis_is_fast() == fast);
}
