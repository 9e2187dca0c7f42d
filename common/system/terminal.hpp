// How things look to people: colour or not, ages, sizes and rates in words.
#pragma once

#include "common/base/strong.hpp"
#include "common/base/time.hpp"

#include <string>
#include <string_view>

namespace vpn::system {

/// `fd` is a terminal that can show colour, and NO_COLOR is not set.
bool wants_colour(int fd);

enum class Colour : unsigned char { plain, red, green, yellow, bold, dim };
/// `text` in a colour, or as it is if `colour_wanted` is false.
std::string coloured(std::string_view text, Colour colour, bool colour_wanted);

/// "2 hours 5 minutes", "12 seconds", "less than a second": the two largest units.
std::string format_duration(Duration duration);
/// "12 seconds ago"; "now" for less than a second.
std::string format_age(Duration age);
/// "0 B", "812 B", "1.2 MiB".
std::string format_bytes(ByteCount count);
/// Bits per second: "0 bit/s", "950 kbit/s", "1.2 Gbit/s".
std::string format_rate(ByteCount bytes, Duration over);

} // namespace vpn::system
