#include "common/base/encoding.hpp"

namespace vpn {
namespace {

// Arithmetic instead of tables: a table look-up would let the cache tell which byte of a key was read.
constexpr unsigned in_range(unsigned value, unsigned first, unsigned last) {
    return ((first - 1U - value) & (value - last - 1U)) >> 31U;
}

char base64_digit(unsigned value) {
    unsigned digit = in_range(value, 0, 25) * ('A' + value);
    digit += in_range(value, 26, 51) * ('a' + value - 26U);
    digit += in_range(value, 52, 61) * ('0' + value - 52U);
    digit += in_range(value, 62, 62) * '+';
    digit += in_range(value, 63, 63) * '/';
    return static_cast<char>(digit);
}

/// The digit's value, or more than 63 if it is none.
unsigned base64_value(char c) {
    const auto digit = static_cast<unsigned char>(c);
    unsigned value = in_range(digit, 'A', 'Z') * (digit - 'A' + 1U);
    value += in_range(digit, 'a', 'z') * (digit - 'a' + 27U);
    value += in_range(digit, '0', '9') * (digit - '0' + 53U);
    value += in_range(digit, '+', '+') * 63U;
    value += in_range(digit, '/', '/') * 64U;
    return (value - 1U) & 0x7fU; // 0 - 1 leaves bit 6 set
}

} // namespace

std::string format_base64(Bytes bytes) {
    std::string text((bytes.size() + 2) / 3 * 4, '=');
    char* out = text.data();
    for (std::size_t i = 0; i < bytes.size(); i += 3, out += 4) {
        const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8U | (k < left ? std::to_integer<unsigned>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k <= left; ++k) out[k] = base64_digit(group >> (18U - 6U * k) & 63U);
    }
    return text;
}

bool parse_base64(std::string_view text, MutableBytes out) {
    if (text.size() != (out.size() + 2) / 3 * 4) return false;
    unsigned bad = 0;
    for (std::size_t group = 0; group * 3 < out.size(); ++group) {
        const std::size_t left = std::min<std::size_t>(3, out.size() - group * 3);
        unsigned bits = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const char c = text[group * 4 + k];
            if (k > left) {
                bad |= c == '=' ? 0U : 1U;
                bits <<= 6U;
                continue;
            }
            const unsigned value = base64_value(c);
            bad |= value >> 6U;
            bits = bits << 6U | (value & 63U);
        }
        for (std::size_t k = 0; k < left; ++k) out[group * 3 + k] = static_cast<std::byte>(bits >> (16U - 8U * k) & 0xffU);
        if (left < 3) bad |= bits & ((1U << (8U * (3U - left))) - 1U); // stray bits: not the canonical text
    }
    return bad == 0;
}

std::string format_hex(Bytes bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        for (const unsigned shift : {4U, 0U}) {
            const unsigned digit = std::to_integer<unsigned>(byte) >> shift & 15U;
            text += static_cast<char>(digit + '0' + in_range(digit, 10, 15) * ('a' - '0' - 10U));
        }
    }
    return text;
}

bool parse_hex(std::string_view text, MutableBytes out) {
    if (text.size() != out.size() * 2) return false;
    unsigned bad = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        unsigned byte = 0;
        for (std::size_t k = 0; k < 2; ++k) {
            const auto digit = static_cast<unsigned char>(text[2 * i + k]);
            const unsigned value = in_range(digit, '0', '9') * (digit - '0' + 1U) +
                                   in_range(digit, 'a', 'f') * (digit - 'a' + 11U) +
                                   in_range(digit, 'A', 'F') * (digit - 'A' + 11U);
            bad |= (value - 1U) >> 31U;
            byte = byte << 4U | ((value - 1U) & 15U);
        }
        out[i] = static_cast<std::byte>(byte);
    }
    return bad == 0;
}

} // namespace vpn
