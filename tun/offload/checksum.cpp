#include "tun/offload/checksum.hpp"

namespace vpn::offload {

std::uint64_t sum_words(Bytes bytes, std::uint64_t sum) {
    // 32-bit words into 64-bit sums: no carry to follow, so the compiler makes vectors of it. 2^16 = 1 modulo 2^16 - 1, so the
    // halves of a word may be added up later.
    const std::byte* at = bytes.data();
    const std::size_t words = bytes.size() / 4;
    for (std::size_t i = 0; i < words; ++i) {
        std::uint32_t word = 0;
        std::memcpy(&word, at + 4 * i, 4);
        sum += word;
    }
    std::uint32_t rest = 0;
    if (bytes.size() % 4 != 0) std::memcpy(&rest, at + 4 * words, bytes.size() % 4);
    return sum + rest;
}

std::uint16_t fold(std::uint64_t sum) {
    sum = (sum & 0xffffffffU) + (sum >> 32U);
    sum = (sum & 0xffffffffU) + (sum >> 32U);
    sum = (sum & 0xffffU) + (sum >> 16U);
    sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(sum);
}

} // namespace vpn::offload
