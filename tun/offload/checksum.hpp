// The internet checksum (RFC 1071), summed in the machine's own byte order: a one's complement sum is the same in either order,
// as long as it is stored the way it was loaded. Refuses to know: headers. `layout` knows where they are.
#pragma once

#include "common/base/bytes.hpp"

#include <cstddef>
#include <cstdint>

namespace vpn::offload {

/// Adds the 16-bit words of `bytes` (an odd last byte counts as if a zero followed) to `sum`. Not folded: room for 2^32 words.
std::uint64_t sum_words(Bytes bytes, std::uint64_t sum = 0);

/// Brings a sum down to 16 bits. Stored with store_sum it is what headers call the uncomplemented sum.
std::uint16_t fold(std::uint64_t sum);

/// Writes a folded sum as sum_words reads it.
inline void store_sum(std::byte* to, std::uint16_t folded) { std::memcpy(to, &folded, sizeof folded); }

/// A number below 2^16 as sum_words would have read it from a header.
constexpr std::uint64_t as_word(std::size_t number) {
    const auto word = static_cast<std::uint16_t>(number);
    if constexpr (std::endian::native == std::endian::big) return word;
    return static_cast<std::uint16_t>(word << 8U | word >> 8U);
}

/// The sum over the pseudo-header (RFC 9293 3.1, RFC 8200 8.1): source and destination as they lie in the IP header, one behind
/// the other; protocol; length of the TCP or UDP part.
inline std::uint64_t pseudo_header_sum(Bytes addresses, std::uint8_t protocol, std::size_t length) {
    return sum_words(addresses, as_word(protocol) + as_word(length));
}

} // namespace vpn::offload
