#include "common/system/escape.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace vpn::system {
namespace {

struct CodePoint {
    std::uint32_t value;
    std::size_t length;
};

/// The first code point, if it is well-formed UTF-8 (RFC 3629: shortest form, no surrogates).
std::optional<CodePoint> first_code_point(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) return CodePoint{lead, 1};
    std::size_t length = 0;
    if (lead >= 0xc2 && lead <= 0xdf) length = 2;
    if (lead >= 0xe0 && lead <= 0xef) length = 3;
    if (lead >= 0xf0 && lead <= 0xf4) length = 4;
    if (length == 0 || text.size() < length) return std::nullopt;
    std::uint32_t value = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return std::nullopt;
        value = value << 6U | (byte(i) & 0x3fU);
    }
    constexpr std::array<std::uint32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest.at(length) || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return std::nullopt;
    return CodePoint{value, length};
}

bool within(std::uint32_t value, std::uint32_t first, std::uint32_t last) { return value >= first && value <= last; }

/// Moves the cursor, or shows text other than it is.
bool is_dangerous(std::uint32_t value) {
    return value < 0x20 || within(value, 0x7f, 0x9f) || value == 0xad || value == 0x61c || within(value, 0x200b, 0x200f) ||
           within(value, 0x2028, 0x202e) || within(value, 0x2060, 0x206f) || value == 0xfeff || within(value, 0xfff9, 0xfffb) ||
           within(value, 0xe0000, 0xe0fff);
}

std::string formatted(const char* format, std::uint32_t value) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(value));
    return text.data();
}

std::string escape_one(std::uint32_t value) {
    switch (value) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\r': return "\\r";
    default: return value < 0x80 ? formatted("\\x%02x", value) : formatted("\\u{%04x}", value);
    }
}

} // namespace

std::string escaped(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const auto point = first_code_point(text);
        if (!point) {
            result += formatted("\\x%02x", static_cast<unsigned char>(text.front()));
            text.remove_prefix(1);
            continue;
        }
        if (point->value == '\\') {
            result += "\\\\";
        } else if (is_dangerous(point->value)) {
            result += escape_one(point->value);
        } else {
            result += text.substr(0, point->length);
        }
        text.remove_prefix(point->length);
    }
    return result;
}

std::string quoted_if_needed(std::string_view text) {
    std::string safe = escaped(text);
    if (!safe.empty() && safe.find_first_of(" \"=") == std::string::npos) return safe;
    std::string result = "\"";
    for (const char c : safe) {
        if (c == '"') result += '\\';
        result += c;
    }
    return result + '"';
}

} // namespace vpn::system
