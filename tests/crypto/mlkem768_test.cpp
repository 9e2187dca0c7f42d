// ML-KEM-768 against published vectors of FIPS 203, and what the handshake relies on.
//
// The two vectors with seeds in the open are those that libsodium's own tests carry; `accumulated` is the procedure and the hash
// of Go's crypto/mlkem: what a hundred rounds give, honest and forged ciphertexts alike, in one SHAKE-128.
#include "common/crypto/mlkem768.hpp"

#include "tests/support/seeded_random.hpp"
#include "tests/vectors/hex.hpp"

#include <doctest/doctest.h>
#include <sodium/crypto_xof_shake128.h>

using namespace vpn;
using namespace vpn::crypto;
using vpn::support::SeededRandom;
using vpn::vectors::array_from_hex;

namespace {

class Shake128 {
  public:
    Shake128() { crypto_xof_shake128_init(&state_); }
    void absorb(Bytes bytes) {
        crypto_xof_shake128_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    }
    template <std::size_t N> ByteArray<N> squeeze() {
        ByteArray<N> out{};
        crypto_xof_shake128_squeeze(&state_, reinterpret_cast<unsigned char*>(out.data()), N);
        return out;
    }

  private:
    crypto_xof_shake128_state state_;
};

struct Vector {
    std::string_view d, z, public_key_begins, m, ciphertext_begins, shared;
};
constexpr Vector vectors_of_libsodium[] = {
    {"7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d",
     "b505d7cfad1b497499323c8686325e4792f267aafa3f87ca60d01cb54f29202a",
     "a8e651a1e685f22478a8954f007bc7711b930772c78f092e82878e3e937f3679",
     "eb4a7c66ef4eba2ddb38c88d8bc706b1d639002198172a7b1942eca8f6c001ba",
     "3b835a5fa145387a0819c4daa1e65fbe2ba5400afcd640bbddbbe3585f24bedd",
     "ac865f839fef1bf3d528dd7504bed2f64b5502b0fa81d1c32763658e4aac5037"},
    {"d60b93492a1d8c1c7ba6fc0b733137f3406cee8110a93f170e7a78658af326d9",
     "588522d326e7f105f11c4e8d97e119e193af42dc28409f4f7572ada538b52c1f",
     "93c140f6c47b7e53b96f72bb18447d277cc021c144a0f7a35e30b57386a78ac9",
     "46401015603c5e2174cb94ac742e836b516e2d570f15de0b9d0204d79ac64ba3",
     "4ddf4e2919943817ab3b4cb085daefe5fec774d83d96c2cee74149e25addd15f",
     "950492e940bfa86ac28183de02efc04017d1755106a854fbb2ac68174f705b41"},
};

KemPrivateKey key_of(std::string_view d, std::string_view z) {
    return KemPrivateKey(array_from_hex<64>(std::string(d) + std::string(z)));
}

KemPrivateKey make_key(Random& random) {
    KemPrivateKey key;
    random.fill(key.mutable_view());
    return key;
}
KemCoins make_coins(Random& random) {
    KemCoins coins;
    random.fill(coins.mutable_view());
    return coins;
}

/// A key pair, a ciphertext for it, and the secret in it.
struct Exchange {
    SeededRandom random{5};
    KemPrivateKey key = make_key(random);
    KemPublicKey public_key = public_key_of(key);
    KemCiphertext ciphertext{};
    SharedSecret secret;
    Exchange() { REQUIRE(encapsulate(public_key, make_coins(random), ciphertext, secret)); }

    SharedSecret opened(const KemCiphertext& with) const {
        SharedSecret out;
        decapsulate(key, with, out);
        return out;
    }
};

} // namespace

TEST_CASE("two vectors with seed and coins: public key, ciphertext and secret") {
    for (const Vector& vector : vectors_of_libsodium) {
        const KemPrivateKey key = key_of(vector.d, vector.z);
        const KemPublicKey public_key = public_key_of(key);
        CHECK(format_hex(Bytes(public_key).first(32)) == vector.public_key_begins);
        KemCiphertext ciphertext{};
        SharedSecret made;
        REQUIRE(encapsulate(public_key, KemCoins(array_from_hex<32>(vector.m)), ciphertext, made));
        CHECK(format_hex(Bytes(ciphertext).first(32)) == vector.ciphertext_begins);
        CHECK(format_hex(made.view()) == vector.shared);
        SharedSecret opened;
        decapsulate(key, ciphertext, opened);
        CHECK(format_hex(opened.view()) == vector.shared);
    }
}

TEST_CASE("a hundred rounds of keys, encapsulations, decapsulations and rejections give the hash that Go publishes") {
    Shake128 dice;
    Shake128 all;
    for (int i = 0; i < 100; ++i) {
        const KemPrivateKey key(dice.squeeze<64>());
        const KemPublicKey public_key = public_key_of(key);
        all.absorb(public_key);
        KemCiphertext ciphertext{};
        SharedSecret secret;
        REQUIRE(encapsulate(public_key, KemCoins(dice.squeeze<32>()), ciphertext, secret));
        all.absorb(ciphertext);
        all.absorb(secret.view());
        SharedSecret opened;
        decapsulate(key, ciphertext, opened);
        CHECK(equal_in_constant_time(opened, secret));
        decapsulate(key, dice.squeeze<1088>(), opened);
        all.absorb(opened.view());
    }
    CHECK(format_hex(all.squeeze<32>()) == "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415");
}

TEST_CASE("a ciphertext that was changed gives another secret, always the same, and none that its maker can foresee") {
    const Exchange exchange;
    CHECK(equal_in_constant_time(exchange.opened(exchange.ciphertext), exchange.secret));
    for (std::size_t i = 0; i < exchange.ciphertext.size(); i += 17) {
        KemCiphertext forged = exchange.ciphertext;
        forged[i] ^= std::byte{1};
        const SharedSecret first = exchange.opened(forged);
        CHECK_FALSE(equal_in_constant_time(first, exchange.secret));
        CHECK_FALSE(first.is_zero());
        CHECK(equal_in_constant_time(first, exchange.opened(forged)));
    }
}

TEST_CASE("what is rejected depends on the second half of the private key, what is accepted does not") {
    const Exchange exchange;
    KemPrivateKey other = exchange.key.clone();
    other.mutable_view()[63] ^= std::byte{1};
    CHECK(public_key_of(other) == exchange.public_key);
    SharedSecret secret;
    decapsulate(other, exchange.ciphertext, secret);
    CHECK(equal_in_constant_time(secret, exchange.secret));
    KemCiphertext forged = exchange.ciphertext;
    forged[0] ^= std::byte{1};
    decapsulate(other, forged, secret);
    CHECK_FALSE(equal_in_constant_time(secret, exchange.opened(forged)));
}

TEST_CASE("another's private key opens nothing") {
    Exchange exchange;
    SharedSecret secret;
    decapsulate(make_key(exchange.random), exchange.ciphertext, secret);
    CHECK_FALSE(equal_in_constant_time(secret, exchange.secret));
}

TEST_CASE("a public key with a coefficient of 3329 or more is none, and nothing is left behind") {
    const Exchange exchange;
    // Twelve bits a coefficient, 768 of them; two in three bytes.
    for (const std::size_t coefficient : {0U, 1U, 2U, 255U, 256U, 511U, 766U, 767U}) {
        for (const unsigned value : {3329U, 3330U, 4095U}) {
            KemPublicKey forged = exchange.public_key;
            std::byte* at = forged.data() + coefficient / 2 * 3;
            if (coefficient % 2 == 0) {
                at[0] = static_cast<std::byte>(value & 0xffU);
                at[1] = (at[1] & std::byte{0xf0}) | static_cast<std::byte>(value >> 8U);
            } else {
                at[1] = (at[1] & std::byte{0x0f}) | static_cast<std::byte>(value << 4U & 0xf0U);
                at[2] = static_cast<std::byte>(value >> 4U);
            }
            KemCiphertext ciphertext = exchange.ciphertext;
            SharedSecret secret = exchange.secret.clone();
            CHECK_FALSE(encapsulate(forged, KemCoins(), ciphertext, secret));
            CHECK(secret.is_zero());
            CHECK(ciphertext == KemCiphertext{});
        }
    }
}
