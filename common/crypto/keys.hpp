// The three kinds of key that people handle. Their text is `wg`'s: 44 characters of base64.
// Refuses to know: files (`keys/`), and what is done with a key.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/encoding.hpp"
#include "common/base/secret.hpp"
#include "common/base/strong.hpp"

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace vpn::crypto {

inline constexpr std::size_t key_size = 32;

/// A Curve25519 point. Public: copied, compared and printed freely.
struct PublicKey {
    ByteArray<key_size> bytes{};
    [[nodiscard]] static std::optional<PublicKey> parse(std::string_view base64) {
        PublicKey key;
        return parse_base64(base64, key.bytes) ? std::optional(key) : std::nullopt;
    }
    [[nodiscard]] std::string to_string() const { return format_base64(bytes); }
    friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

/// A secret key that is not mistaken for another kind. Move-only, wiped; see Secret.
template <class Tag> class SecretKey {
  public:
    SecretKey() = default;
    explicit SecretKey(std::span<const std::byte, key_size> bytes) : bytes_(bytes) {}
    [[nodiscard]] static std::optional<SecretKey> parse(std::string_view base64) {
        SecretKey key;
        return parse_base64(base64, key.bytes_.mutable_view()) ? std::optional(std::move(key)) : std::nullopt;
    }
    /// The key in clear text, for the one file or prompt that it belongs in. The caller wipes the string.
    [[nodiscard]] std::string reveal() const { return format_base64(bytes_.view()); }
    [[nodiscard]] SecretKey clone() const { return SecretKey(bytes_.view()); }
    [[nodiscard]] bool is_zero() const { return bytes_.is_zero(); }
    [[nodiscard]] std::span<const std::byte, key_size> view() const { return bytes_.view(); }
    [[nodiscard]] std::span<std::byte, key_size> mutable_view() { return bytes_.mutable_view(); }
    friend bool equal_in_constant_time(const SecretKey& a, const SecretKey& b) {
        return equal_in_constant_time(a.bytes_, b.bytes_);
    }

  private:
    Secret<key_size> bytes_;
};

/// A Curve25519 scalar.
using PrivateKey = SecretKey<struct PrivateKeyTag>;
/// Mixed into the handshake beside the key agreement; all zeros means none.
using PresharedKey = SecretKey<struct PresharedKeyTag>;

} // namespace vpn::crypto

template <> struct std::hash<vpn::crypto::PublicKey> {
    std::size_t operator()(const vpn::crypto::PublicKey& key) const noexcept {
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
    }
};
