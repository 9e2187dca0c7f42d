// X25519 against RFC 7748.
#include "common/crypto/x25519.hpp"

#include "common/crypto/system_random.hpp"
#include "tests/vectors/hex.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::crypto;
using vpn::vectors::array_from_hex;

namespace {

PrivateKey scalar(std::string_view hex) { return PrivateKey(array_from_hex<32>(hex)); }
PublicKey point(std::string_view hex) { return PublicKey{array_from_hex<32>(hex)}; }

std::string agreed(const PrivateKey& ours, const PublicKey& theirs) {
    SharedSecret secret;
    return agree(ours, theirs, secret) ? format_hex(secret.view()) : "refused";
}

constexpr auto alice_private = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr auto alice_public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
constexpr auto bob_private = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
constexpr auto bob_public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

} // namespace

TEST_CASE("the two vectors of RFC 7748, 5.2") {
    CHECK(agreed(scalar("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                 point("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")) ==
          "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    CHECK(agreed(scalar("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                 point("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")) ==
          "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST_CASE("the iterated vectors of RFC 7748, 5.2, after 1 and after 1,000 rounds") {
    PrivateKey k = scalar("0900000000000000000000000000000000000000000000000000000000000000");
    PublicKey u = point("0900000000000000000000000000000000000000000000000000000000000000");
    for (int round = 1; round <= 1000; ++round) {
        SharedSecret result;
        REQUIRE(agree(k, u, result));
        copy(k.view(), u.bytes);
        copy(result.view(), k.mutable_view());
        if (round == 1) CHECK(format_hex(k.view()) == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    CHECK(format_hex(k.view()) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("the key agreement of RFC 7748, 6.1") {
    CHECK(format_hex(public_key_of(scalar(alice_private)).bytes) == alice_public);
    CHECK(format_hex(public_key_of(scalar(bob_private)).bytes) == bob_public);
    constexpr auto shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    CHECK(agreed(scalar(alice_private), point(bob_public)) == shared);
    CHECK(agreed(scalar(bob_private), point(alice_public)) == shared);
}

TEST_CASE("a point of low order is refused and leaves zeros behind") {
    // The points of order 1, 2, 4 and 8 and their representatives above the prime; the highest bit of a point doesn't count.
    for (const std::string_view low : {
             "0000000000000000000000000000000000000000000000000000000000000000",
             "0100000000000000000000000000000000000000000000000000000000000000",
             "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
             "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
             "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
             "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
             "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
         }) {
        for (const std::byte highest : {std::byte{0}, std::byte{0x80}}) {
            PublicKey theirs = point(low);
            theirs.bytes[31] |= highest;
            CAPTURE(theirs.to_string());
            SharedSecret secret(array_from_hex<32>(alice_private));
            CHECK_FALSE(agree(scalar(alice_private), theirs, secret));
            CHECK(secret.is_zero());
        }
    }
}

TEST_CASE("a point next to one of low order is not refused") {
    CHECK(agreed(scalar(alice_private), point("0200000000000000000000000000000000000000000000000000000000000000")) != "refused");
    CHECK(agreed(scalar(alice_private), point("ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")) != "refused");
}

TEST_CASE("the highest bit of a point doesn't count, and a point above the prime is reduced") {
    PublicKey theirs = point(bob_public);
    theirs.bytes[31] |= std::byte{0x80};
    CHECK(agreed(scalar(alice_private), theirs) == agreed(scalar(alice_private), point(bob_public)));
    // 2^255 - 19 + 9 is the base point again.
    CHECK(agreed(scalar(alice_private), point("f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")) ==
          alice_public);
}

TEST_CASE("an unclamped private key acts as the clamped one") {
    PrivateKey unclamped = scalar(alice_private);
    unclamped.mutable_view()[0] |= std::byte{0x07};
    unclamped.mutable_view()[31] |= std::byte{0x80};
    unclamped.mutable_view()[31] &= std::byte{0xbf};
    PrivateKey clamped = unclamped.clone();
    clamped.mutable_view()[0] &= std::byte{0xf8};
    clamped.mutable_view()[31] &= std::byte{0x7f};
    clamped.mutable_view()[31] |= std::byte{0x40};
    CHECK(public_key_of(unclamped) == public_key_of(clamped));
    CHECK(agreed(unclamped, point(bob_public)) == agreed(clamped, point(bob_public)));
}

TEST_CASE("any two fresh key pairs agree") {
    SystemRandom random;
    for (int i = 0; i < 20; ++i) {
        const PrivateKey one = generate_private_key(random);
        const PrivateKey other = generate_private_key(random);
        const std::string secret = agreed(one, public_key_of(other));
        CHECK(secret != "refused");
        CHECK(secret == agreed(other, public_key_of(one)));
    }
}
