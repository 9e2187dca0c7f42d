// Views of raw bytes, and integers read from and written to them.
// Refuses to know: what the bytes mean, and who owns them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace vpn {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;
template <std::size_t N> using ByteArray = std::array<std::byte, N>;

namespace detail {
template <std::unsigned_integral T> constexpr T swapped(T value) {
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    return value;
}
} // namespace detail

/// Reads a little-endian integer. Requires: at least sizeof(T) bytes at `from`.
template <std::unsigned_integral T> T load_le(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return std::endian::native == std::endian::little ? value : detail::swapped(value);
}

/// Reads a big-endian integer. Requires: at least sizeof(T) bytes at `from`.
template <std::unsigned_integral T> T load_be(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return std::endian::native == std::endian::big ? value : detail::swapped(value);
}

/// Writes a little-endian integer. Requires: room for sizeof(T) bytes at `to`.
template <std::unsigned_integral T> void store_le(std::byte* to, T value) {
    if constexpr (std::endian::native != std::endian::little) value = detail::swapped(value);
    std::memcpy(to, &value, sizeof(T));
}

/// Writes a big-endian integer. Requires: room for sizeof(T) bytes at `to`.
template <std::unsigned_integral T> void store_be(std::byte* to, T value) {
    if constexpr (std::endian::native != std::endian::big) value = detail::swapped(value);
    std::memcpy(to, &value, sizeof(T));
}

/// The bytes of a text, without a terminator. The text must outlive the view.
inline Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// Copies all of `from` to the front of `to`. Requires: `to` is at least as long.
inline void copy(Bytes from, MutableBytes to) { std::copy(from.begin(), from.end(), to.begin()); }

} // namespace vpn
