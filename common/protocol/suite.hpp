// Where the two suites differ (PROTOCOL, first table, 1 and 2): this table, and the two tokens `e1` and `ekem1` in noise.cpp.
// Everything else asks for one of these facts, never which suite it has.
#pragma once

#include "common/crypto/aead.hpp"
#include "common/crypto/mlkem768.hpp"
#include "common/crypto/suite.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace vpn::protocol {

using crypto::every_suite;
using crypto::Suite;

constexpr Suite other_than(Suite suite) { return suite == Suite::wireguard ? Suite::hybrid : Suite::wireguard; }

struct SuiteFacts {
    std::string_view construction; ///< the protocol's name in Noise
    std::string_view identifier;   ///< its prologue
    std::uint32_t initiation_type;
    std::uint32_t response_type;
    crypto::Aead aead;
    bool has_kem; ///< an initiation carries a KEM key (token e1), a response a ciphertext for it (token ekem1)

    /// How long `size` bytes are when they are sealed.
    [[nodiscard]] constexpr std::size_t sealed(std::size_t size) const { return size + crypto::tag_size(aead); }
    [[nodiscard]] constexpr std::size_t sealed_kem_key() const { return has_kem ? sealed(sizeof(crypto::KemPublicKey)) : 0; }
    [[nodiscard]] constexpr std::size_t sealed_kem_ciphertext() const {
        return has_kem ? sealed(sizeof(crypto::KemCiphertext)) : 0;
    }
};

/// In the order of Suite.
inline constexpr std::array<SuiteFacts, 2> suite_table{{
    {.construction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
     .identifier = "WireGuard v1 zx2c4 Jason@zx2c4.com",
     .initiation_type = 1,
     .response_type = 2,
     .aead = crypto::Aead::chacha20_poly1305,
     .has_kem = false},
    {.construction = "Noise_IKhfs+psk2_25519+MLKEM768_AEGIS256_BLAKE2s",
     .identifier = "vpn hybrid v1",
     .initiation_type = 5,
     .response_type = 6,
     .aead = crypto::Aead::aegis256,
     .has_kem = true},
}};

constexpr const SuiteFacts& facts_of(Suite suite) { return suite_table[static_cast<std::size_t>(suite)]; }

} // namespace vpn::protocol
