// What is wrong with a file, where, and what was expected; and how to quote from a file that may be hostile.
// Refuses to know: who shows it. The text is fit for a terminal: no control characters, bounded, no secrets.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace vpn::config {

/// One sentence about one line: what was found and what was expected.
struct ConfigError {
    std::string file;
    /// Counted from 1; zero speaks of the file as a whole.
    int line = 0;
    std::string message;

    /// `FILE:LINE: message`; `FILE: message` without a line.
    [[nodiscard]] std::string text() const;
    friend bool operator==(const ConfigError&, const ConfigError&) = default;
};

template <class T> using Parsed = tl::expected<T, ConfigError>;

/// A rule that a configuration breaks. `where` walks to the value at fault, as in `peers[2].allowed_ips[0]`.
struct Problem {
    std::string where;
    std::string message;
    friend bool operator==(const Problem&, const Problem&) = default;
};

/// `text` with everything that a terminal would obey escaped (`\x1b`), cut after `max` bytes.
std::string printable(std::string_view text, std::size_t max = 64);

/// The same in double quotes. A text with the shape of a key is not repeated: `(something that looks like a key)`.
std::string quote(std::string_view text, std::size_t max = 64);

/// `, did you mean "dns"?` if one of `known` is close to `found`, else nothing.
std::string suggestion(std::string_view found, std::span<const std::string_view> known);

} // namespace vpn::config
