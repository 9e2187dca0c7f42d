// PROTOCOL, first table: what the two suites are called and made of.
#include "common/protocol/suite.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;

TEST_CASE("a suite is said by its name, and no other name is one") {
    CHECK(crypto::name_of(Suite::wireguard) == "wireguard");
    CHECK(crypto::name_of(Suite::hybrid) == "hybrid");
    for (const Suite suite : every_suite) CHECK(crypto::parse_suite(crypto::name_of(suite)) == suite);
    for (const std::string_view other : {"", "Hybrid", "hybrid ", "wireguard\n", "wg", "hybrid2"})
        CHECK_FALSE(crypto::parse_suite(other).has_value());
}

TEST_CASE("each is the other's other") {
    CHECK(other_than(Suite::wireguard) == Suite::hybrid);
    CHECK(other_than(Suite::hybrid) == Suite::wireguard);
}

TEST_CASE("suite wireguard is WireGuard's, and hybrid has the KEM, the AEAD and the names of its own") {
    const SuiteFacts& wireguard = facts_of(Suite::wireguard);
    CHECK(wireguard.construction == "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s");
    CHECK(wireguard.identifier == "WireGuard v1 zx2c4 Jason@zx2c4.com");
    CHECK(wireguard.aead == crypto::Aead::chacha20_poly1305);
    CHECK_FALSE(wireguard.has_kem);
    const SuiteFacts& hybrid = facts_of(Suite::hybrid);
    CHECK(hybrid.construction == "Noise_IKhfs+psk2_25519+MLKEM768_AEGIS256_BLAKE2s");
    CHECK(hybrid.identifier == "vpn hybrid v1");
    CHECK(hybrid.aead == crypto::Aead::aegis256);
    CHECK(hybrid.has_kem);
}
