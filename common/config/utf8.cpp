#include "common/config/utf8.hpp"

#include <algorithm>
#include <array>

namespace vpn::config {
namespace {

struct Range {
    char32_t first;
    char32_t last;
};

/// What a terminal would obey or a reader would not see: controls, soft hyphen, zero-width and direction marks, tags.
constexpr std::array<Range, 14> hidden{{{0x0, 0x1f},
                                        {0x7f, 0x9f},
                                        {0xad, 0xad},
                                        {0x61c, 0x61c},
                                        {0x115f, 0x1160},
                                        {0x180e, 0x180e},
                                        {0x200b, 0x200f},
                                        {0x2028, 0x202e},
                                        {0x2060, 0x206f},
                                        {0x3164, 0x3164},
                                        {0xfeff, 0xfeff},
                                        {0xfff9, 0xfffb},
                                        {0xfffe, 0xffff},
                                        {0xe0000, 0xe0fff}}};

} // namespace

CodePoint first_code_point(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
    char32_t value = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) return {};
        value = value << 6U | (byte(i) & 0x3fU);
    }
    constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest.at(length) || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
    return {value, length, true};
}

bool is_printable(char32_t code_point) {
    return std::none_of(hidden.begin(), hidden.end(),
                        [=](const Range& range) { return code_point >= range.first && code_point <= range.last; });
}

} // namespace vpn::config
