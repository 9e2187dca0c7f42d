// IP addresses, prefixes and endpoints as values, and their text (RFC 4291, written as RFC 5952 says).
// Refuses to know: sockets and names. Nothing here resolves anything.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/strong.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vpn {

enum class Family : std::uint8_t { v4, v6 };

/// An IPv4 or IPv6 address. An IPv4 address lies in the first four bytes, the rest are zero.
class IpAddress {
  public:
    IpAddress() = default;
    static IpAddress v4(std::span<const std::byte, 4> bytes);
    static IpAddress v6(std::span<const std::byte, 16> bytes);
    /// Strict: no leading zeros, no scope, nothing before or behind.
    static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] Family family() const { return family_; }
    [[nodiscard]] bool is_v4() const { return family_ == Family::v4; }
    /// 32 or 128.
    [[nodiscard]] unsigned width() const { return is_v4() ? 32 : 128; }
    /// 4 or 16 bytes, in network order.
    [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(is_v4() ? 4 : 16); }
    /// This address with all but the first `bits` cleared. Requires: bits <= width().
    [[nodiscard]] IpAddress masked(unsigned bits) const;
    [[nodiscard]] bool is_unspecified() const;
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  private:
    Family family_ = Family::v4;
    ByteArray<16> bytes_{};
};

/// An address and how many of its leading bits count. Keeps the host bits (`10.66.0.2/24` on an interface).
class Prefix {
  public:
    Prefix() = default;
    /// Requires: bits <= address.width().
    Prefix(IpAddress address, unsigned bits) : address_(address), bits_(bits) {}
    /// `ADDRESS/BITS`, or `ADDRESS` alone for a single host.
    static std::optional<Prefix> parse(std::string_view text);

    [[nodiscard]] const IpAddress& address() const { return address_; }
    [[nodiscard]] unsigned bits() const { return bits_; }
    [[nodiscard]] Family family() const { return address_.family(); }
    /// The same prefix with the host bits cleared.
    [[nodiscard]] Prefix network() const { return {address_.masked(bits_), bits_}; }
    [[nodiscard]] bool contains(const IpAddress& address) const;
    [[nodiscard]] bool overlaps(const Prefix& other) const;
    /// Always with `/BITS`.
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const Prefix&, const Prefix&) = default;

  private:
    IpAddress address_;
    unsigned bits_ = 0;
};

/// Where datagrams go to or come from.
struct Endpoint {
    IpAddress address;
    Port port;
    /// The interface of a link-local address, else zero.
    std::uint32_t scope = 0;

    /// `1.2.3.4:51820` or `[2001:db8::1]:51820`; a scope only as a number, `[fe80::1%3]:51820`.
    static std::optional<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A decimal number without sign or leading zeros, at most `max`.
std::optional<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t max);

} // namespace vpn

template <> struct std::hash<vpn::IpAddress> {
    std::size_t operator()(const vpn::IpAddress& address) const noexcept {
        const vpn::Bytes bytes = address.bytes();
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
};
