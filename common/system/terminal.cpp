#include "common/system/terminal.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace vpn::system {
namespace {

struct Unit {
    std::int64_t seconds;
    const char* name;
};
constexpr std::array<Unit, 4> units{Unit{86400, "day"}, Unit{3600, "hour"}, Unit{60, "minute"}, Unit{1, "second"}};

std::string counted(std::int64_t count, const char* name) { return std::to_string(count) + " " + name + (count == 1 ? "" : "s"); }

/// `value` with one decimal below ten, none from there on, in the largest of `names` that leaves at least one.
template <std::size_t N> std::string scaled(double value, double step, const std::array<const char*, N>& names) {
    std::size_t unit = 0;
    // What would be shown as a whole step is shown in the next unit.
    while (unit + 1 < N && value >= step - 0.5) {
        value /= step;
        ++unit;
    }
    std::array<char, 32> text{};
    const bool fine = unit > 0 && value < 9.95;
    std::snprintf(text.data(), text.size(), fine ? "%.1f %s" : "%.0f %s", value, names.at(unit));
    return text.data();
}

const char* code_of(Colour colour) {
    switch (colour) {
    case Colour::red: return "31";
    case Colour::green: return "32";
    case Colour::yellow: return "33";
    case Colour::bold: return "1";
    case Colour::dim: return "2";
    case Colour::plain: break;
    }
    return "0";
}

} // namespace

bool wants_colour(int fd) {
    const char* refused = std::getenv("NO_COLOR"); // no-color.org: set and not empty
    if (refused != nullptr && *refused != '\0') return false;
    const char* terminal = std::getenv("TERM");
    return ::isatty(fd) == 1 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string coloured(std::string_view text, Colour colour, bool colour_wanted) {
    if (!colour_wanted || colour == Colour::plain) return std::string(text);
    return std::string("\x1b[") + code_of(colour) + "m" + std::string(text) + "\x1b[0m";
}

std::string format_duration(Duration duration) {
    const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    if (seconds < 1) return "less than a second";
    for (std::size_t i = 0; i < units.size(); ++i) {
        const auto& [size, name] = units.at(i);
        if (seconds < size) continue;
        std::string text = counted(seconds / size, name);
        if (i + 1 == units.size()) return text;
        const auto& [smaller_size, smaller_name] = units.at(i + 1);
        if (const std::int64_t rest = seconds % size / smaller_size; rest > 0) text += " " + counted(rest, smaller_name);
        return text;
    }
    return {};
}

std::string format_age(Duration age) { return age < std::chrono::seconds(1) ? "now" : format_duration(age) + " ago"; }

std::string format_bytes(ByteCount count) {
    return scaled(static_cast<double>(count.value), 1024, std::array{"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}

std::string format_rate(ByteCount bytes, Duration over) {
    const double seconds = std::chrono::duration<double>(over).count();
    const double bits = seconds > 0 ? static_cast<double>(bytes.value) * 8 / seconds : 0;
    return scaled(bits, 1000, std::array{"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"});
}

} // namespace vpn::system
