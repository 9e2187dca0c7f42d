// UTF-8 (RFC 3629), one code point at a time, and which of them are safe to show.
// Refuses to know: languages and fonts.
#pragma once

#include <cstddef>
#include <string_view>

namespace vpn::config {

struct CodePoint {
    char32_t value = 0;
    /// How many bytes it takes; 1 for a byte that is not valid here.
    std::size_t length = 1;
    bool valid = false;
};

/// The code point at the front. Requires: not empty.
[[nodiscard]] CodePoint first_code_point(std::string_view text);

/// No control, formatting or direction character: shows as what it is, and does nothing to a terminal.
[[nodiscard]] bool is_printable(char32_t code_point);

} // namespace vpn::config
