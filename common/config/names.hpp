// Which names an interface, a peer and a domain of name servers may have.
// Refuses to know: which names are taken.
#pragma once

#include <string_view>

namespace vpn::config {

/// `[A-Za-z0-9_=+.-]{1,15}`, but not `.` and `..`: fits Linux (IFNAMSIZ), a file name and a shell.
[[nodiscard]] bool is_interface_name(std::string_view name);
/// For messages: what `is_interface_name` wants.
inline constexpr std::string_view interface_name_rule = "1 to 15 of the characters A-Z a-z 0-9 _ = + . -";

/// 1 to 63 bytes of printable UTF-8: no control, formatting or direction characters, no `/`, no space at either end.
[[nodiscard]] bool is_peer_name(std::string_view name);
inline constexpr std::string_view peer_name_rule = "1 to 63 bytes of printable text without / and without a space at either end";

/// A host name, with a `~` in front or not; or `~.`.
[[nodiscard]] bool is_dns_domain(std::string_view text);

} // namespace vpn::config
