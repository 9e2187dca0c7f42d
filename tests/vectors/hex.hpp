// Vectors are published in hex: this makes bytes of them. Throws where a vector is mistyped, which ends the test.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/encoding.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace vpn::vectors {

inline ByteVector from_hex(std::string_view hex) {
    ByteVector bytes(hex.size() / 2);
    if (!parse_hex(hex, bytes)) throw std::invalid_argument("not hex: " + std::string(hex));
    return bytes;
}

template <std::size_t N> ByteArray<N> array_from_hex(std::string_view hex) {
    ByteArray<N> bytes{};
    if (!parse_hex(hex, bytes)) throw std::invalid_argument("not hex of the right length: " + std::string(hex));
    return bytes;
}

/// `size` bytes that are the same in every language: byte i is (i * step + start) mod 256.
inline ByteVector pattern(std::size_t size, unsigned step, unsigned start) {
    ByteVector bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * step + start) & 0xffU);
    return bytes;
}

} // namespace vpn::vectors
