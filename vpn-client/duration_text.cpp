#include "vpn-client/duration_text.hpp"

#include "common/base/ip.hpp"
#include "common/config/error.hpp"

#include <array>
#include <limits>
#include <optional>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

struct Unit {
    std::string_view name;
    Duration size;
};
constexpr std::array<Unit, 5> units{Unit{"ms", 1ms}, Unit{"s", 1s}, Unit{"m", 1min}, Unit{"h", 1h}, Unit{"d", 24h}};
constexpr Duration longest = 365 * 24h;

std::optional<Duration> size_of_unit(std::string_view name) {
    for (const Unit& unit : units)
        if (unit.name == name) return unit.size;
    return std::nullopt;
}

} // namespace

Result<Duration> parse_duration(std::string_view text) {
    if (text == "0") return Duration::zero();
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = parse_decimal(text.substr(0, digits), std::numeric_limits<std::uint32_t>::max());
    const auto unit = size_of_unit(text.substr(digits));
    if (!count || !unit)
        return failed(config::quote(text) + " is no duration: write a number and its unit, such as 15s, 500ms or 2m");
    if (*count > longest / *unit) return failed(config::quote(text) + " is longer than a year");
    return *count * *unit;
}

} // namespace vpn::client
