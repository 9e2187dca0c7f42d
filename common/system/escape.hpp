// Text that came from elsewhere, made safe to print: a name in a file must not move somebody's cursor.
#pragma once

#include <string>
#include <string_view>

namespace vpn::system {

/// Printable UTF-8 stays as it is. Control characters (C0, DEL, C1), invalid bytes, invisible and direction-changing characters
/// become `\n`,
/// `\t`, `\r`, `\\`, `\xNN` or `\u{NNNN}`.
std::string escaped(std::string_view text);

/// For one value of `key=value`: `escaped`, and between double quotes if it is empty or holds a space, a quote or `=`.
std::string quoted_if_needed(std::string_view text);

} // namespace vpn::system
