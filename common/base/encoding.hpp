// Bytes as text that people paste: base64 (RFC 4648, the way `wg` writes keys) and lower-case hex.
// Both take the same time whatever the bytes are, since keys go through here.
#pragma once

#include "common/base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace vpn {

std::string format_base64(Bytes bytes);
/// Fills exactly `out`. False unless `text` is the one canonical encoding of that many bytes.
[[nodiscard]] bool parse_base64(std::string_view text, MutableBytes out);

std::string format_hex(Bytes bytes);
/// Fills exactly `out`. Takes both cases. False for any other length or character.
[[nodiscard]] bool parse_hex(std::string_view text, MutableBytes out);

} // namespace vpn
