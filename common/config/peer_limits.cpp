#include "common/config/peer_limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <span>

namespace vpn::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t size;
};
/// Larger ones first; of equals, decimal ones.
constexpr std::array<Unit, 9> byte_units{Unit{"TB", 1'000'000'000'000},
                                         Unit{"TiB", std::uint64_t{1} << 40U},
                                         Unit{"GB", 1'000'000'000},
                                         Unit{"GiB", std::uint64_t{1} << 30U},
                                         Unit{"MB", 1'000'000},
                                         Unit{"MiB", std::uint64_t{1} << 20U},
                                         Unit{"kB", 1000},
                                         Unit{"KiB", std::uint64_t{1} << 10U},
                                         Unit{"B", 1}};
constexpr std::array<Unit, 4> rate_units{Unit{"gbit", 1'000'000'000}, Unit{"mbit", 1'000'000}, Unit{"kbit", 1000},
                                         Unit{"bit", 1}};
constexpr std::uint64_t quota_max = std::uint64_t{1} << 62U;
constexpr std::uint64_t rate_max = 1'000'000'000'000;
constexpr std::uint64_t rate_min = 1000;

/// None: it is no number with a unit of these, or more than `most`.
std::optional<std::uint64_t> parse_amount(std::string_view text, std::span<const Unit> units, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
    const auto named = [&](const Unit& unit) { return unit.name == name; };
    const auto unit = std::find_if(units.begin(), units.end(), named);
    if (unit == units.end() || number > most / unit->size) return std::nullopt;
    return number * unit->size;
}

std::string format_amount(std::uint64_t amount, std::span<const Unit> units) {
    for (const Unit& unit : units)
        if (amount % unit.size == 0) return std::to_string(amount / unit.size) + std::string(unit.name);
    return std::to_string(amount);
}

/// The number that stands there in so many digits.
std::optional<unsigned> digits_at(std::string_view text, std::size_t at, std::size_t count) {
    unsigned number = 0;
    for (const char c : text.substr(at, count)) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number;
}

} // namespace

std::optional<Wall> parse_instant(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view shape = "0000-00-00T00:00:00Z";
    if (text.size() != shape.size()) return std::nullopt;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] != '0' && shape[i] != text[i]) return std::nullopt;
    const auto y = digits_at(text, 0, 4), mo = digits_at(text, 5, 2), d = digits_at(text, 8, 2);
    const auto h = digits_at(text, 11, 2), mi = digits_at(text, 14, 2), s = digits_at(text, 17, 2);
    if (!y || !mo || !d || !h || !mi || !s) return std::nullopt;
    const year_month_day date{year(static_cast<int>(*y)), month(*mo), day(*d)};
    if (!date.ok() || *y < 1970 || *y > 2261 || *h > 23 || *mi > 59 || *s > 59) return std::nullopt;
    return Wall(sys_days(date)) + hours(*h) + minutes(*mi) + seconds(*s);
}

std::string format_instant(Wall instant) {
    using namespace std::chrono;
    const auto day = floor<days>(instant);
    const year_month_day date(day);
    const hh_mm_ss time(floor<seconds>(instant - day));
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                  static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
    return text.data();
}

std::optional<ByteCount> parse_quota(std::string_view text) {
    const auto amount = parse_amount(text, byte_units, quota_max);
    if (!amount || *amount == 0) return std::nullopt;
    return ByteCount{*amount};
}

std::string format_quota(ByteCount quota) { return format_amount(quota.value, byte_units); }

std::optional<BitRate> parse_rate(std::string_view text) {
    const auto amount = parse_amount(text, rate_units, rate_max);
    if (!amount || *amount < rate_min) return std::nullopt;
    return BitRate{*amount};
}

std::string format_rate(BitRate rate) { return format_amount(rate.value, rate_units); }

} // namespace vpn::config
