// Keys as people see them, and making new ones.
#include "common/crypto/keys.hpp"

#include "common/crypto/system_random.hpp"
#include "common/crypto/x25519.hpp"
#include "tests/vectors/hex.hpp"

#include <doctest/doctest.h>

#include <type_traits>
#include <unordered_set>

using namespace vpn;
using namespace vpn::crypto;

namespace {

/// Gives the same byte for ever.
class Constant final : public Random {
  public:
    explicit Constant(unsigned char value) : value_{value} {}
    void fill(MutableBytes out) override { std::fill(out.begin(), out.end(), value_); }

  private:
    std::byte value_;
};

constexpr std::string_view all_ones = "//////////////////////////////////////////8=";
constexpr std::string_view all_zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

} // namespace

TEST_CASE("a key's text is 44 characters of base64, and comes back as it went") {
    const auto key = PublicKey::parse("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
    REQUIRE(key);
    CHECK(format_hex(key->bytes) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    CHECK(key->to_string() == "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
}

TEST_CASE("anything but the one encoding of 32 bytes is no key") {
    for (const std::string_view text :
         {"", "A", "AAAA", "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo", "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo==",
          "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp=", "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n",
          " hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo", "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo=",
          "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmoA", "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"}) {
        CAPTURE(text);
        CHECK_FALSE(PublicKey::parse(text));
        CHECK_FALSE(PrivateKey::parse(text));
        CHECK_FALSE(PresharedKey::parse(text));
    }
}

TEST_CASE("a fresh private key is clamped") {
    Constant ones(0xff);
    Constant zeros(0x00);
    const PrivateKey from_ones = generate_private_key(ones);
    const PrivateKey from_zeros = generate_private_key(zeros);
    CHECK(format_hex(from_ones.view()) == "f8ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    CHECK(format_hex(from_zeros.view()) == "0000000000000000000000000000000000000000000000000000000000000040");
}

TEST_CASE("a preshared key is random as it is") {
    Constant ones(0xff);
    Constant zeros(0x00);
    CHECK(generate_preshared_key(ones).reveal() == all_ones);
    CHECK(generate_preshared_key(zeros).reveal() == all_zeros);
    CHECK(generate_preshared_key(zeros).is_zero());
}

TEST_CASE("no two fresh keys are the same") {
    SystemRandom random;
    std::unordered_set<PublicKey> keys;
    for (int i = 0; i < 100; ++i) keys.insert(public_key_of(generate_private_key(random)));
    CHECK(keys.size() == 100);
}

TEST_CASE("secret keys move and are cloned by name, but are never copied or mixed up") {
    static_assert(!std::is_copy_constructible_v<PrivateKey> && !std::is_copy_assignable_v<PrivateKey>);
    static_assert(std::is_nothrow_move_constructible_v<PrivateKey>);
    static_assert(!std::is_convertible_v<PrivateKey, PresharedKey> && !std::is_constructible_v<PresharedKey, PrivateKey>);

    auto key = PrivateKey::parse(all_ones);
    REQUIRE(key);
    const PrivateKey twin = key->clone();
    CHECK(equal_in_constant_time(twin, *key));
    const PrivateKey heir = std::move(*key);
    CHECK(equal_in_constant_time(twin, heir));
    CHECK(key->is_zero());
    CHECK_FALSE(equal_in_constant_time(twin, *key));
}
