#include "vpn-server/option_text.hpp"

#include "common/config/error.hpp"
#include "common/config/names.hpp"
#include "common/config/peer_limits.hpp"

#include <chrono>

namespace vpn::server {
namespace {

tl::unexpected<Failure> expected_other(std::string_view expected, const std::string& found) {
    return failed("expected " + std::string(expected) + ", found " + config::quote(found));
}

template <class T, class ParseOne> Result<std::vector<T>> parse_list(const std::string& text, ParseOne parse_one) {
    std::vector<T> items;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        auto item = parse_one(text.substr(at, end - at));
        if (!item) return tl::unexpected(item.error());
        items.push_back(std::move(*item));
        at = end + 1;
    }
    return items;
}

Result<Prefix> parse_network(const std::string& text, Family family, std::string_view expected) {
    const auto prefix = Prefix::parse(text);
    if (!prefix || prefix->family() != family || text.find('/') == std::string::npos) return expected_other(expected, text);
    if (prefix->network() != *prefix)
        return failed(config::quote(text) + " is a host in its network: did you mean " + prefix->network().to_string() + "?");
    return *prefix;
}

/// `30d`, `12h`, `5m`: none if it is not that, or more than a million of them.
std::optional<Duration> parse_span(const std::string& text) {
    using namespace std::chrono;
    const std::string unit = text.empty() ? "" : text.substr(text.size() - 1);
    const auto count = parse_decimal(text.substr(0, text.size() - unit.size()), 100 * 365 * 24);
    const Duration size = unit == "d" ? Duration(days(1)) : unit == "h" ? Duration(hours(1)) : Duration(minutes(1));
    if (!count || *count == 0 || (unit != "d" && unit != "h" && unit != "m")) return std::nullopt;
    return std::min<std::int64_t>(*count, days(101 * 365) / size) * size;
}

} // namespace

Result<std::vector<Prefix>> parse_prefixes(const std::string& text) {
    return parse_list<Prefix>(text, [](const std::string& item) -> Result<Prefix> {
        const auto prefix = Prefix::parse(item);
        if (!prefix) return expected_other("networks such as 10.0.0.0/8,fd66::/64", item);
        return prefix->network();
    });
}

Result<std::vector<IpAddress>> parse_addresses(const std::string& text) {
    return parse_list<IpAddress>(text, [](const std::string& item) -> Result<IpAddress> {
        const auto address = IpAddress::parse(item);
        if (!address) return expected_other("addresses such as 9.9.9.9,2620:fe::fe", item);
        return *address;
    });
}

Result<Prefix> parse_network_v4(const std::string& text) {
    return parse_network(text, Family::v4, "an IPv4 network such as 10.66.0.0/24");
}

Result<Prefix> parse_network_v6(const std::string& text) {
    return parse_network(text, Family::v6, "an IPv6 network such as fd66::/64");
}

Result<Port> parse_port(const std::string& text) {
    const auto port = parse_decimal(text, 65535);
    if (!port || *port == 0) return expected_other("a port from 1 to 65535", text);
    return Port{static_cast<std::uint16_t>(*port)};
}

Result<std::string> parse_interface_name(const std::string& text) {
    if (!config::is_interface_name(text)) return expected_other(config::interface_name_rule, text);
    return text;
}

Result<std::string> parse_peer_name(const std::string& text) {
    if (!config::is_peer_name(text)) return expected_other(config::peer_name_rule, text);
    return text;
}

Result<crypto::PublicKey> parse_public_key(const std::string& text) {
    const auto key = crypto::PublicKey::parse(text);
    if (!key) return failed("expected a key of 44 characters of base64"); // what was typed may be a secret one
    return *key;
}

Result<FileFormat> parse_format(const std::string& text) {
    if (text == "json") return FileFormat::json;
    if (text == "wg") return FileFormat::wg;
    return expected_other("json or wg", text);
}

Result<config::Suite> parse_suite(const std::string& text) {
    const auto suite = crypto::parse_suite(text);
    if (!suite) return expected_other("hybrid or wireguard", text);
    return *suite;
}

Result<Expiry> parse_expiry(const std::string& text) {
    using namespace std::chrono;
    constexpr std::string_view expected = "a time such as 30d or 12h, or an end such as 2027-01-01 or 2027-01-01T00:00:00Z";
    if (const auto instant = config::parse_instant(text)) return *instant;
    if (const auto day = config::parse_instant(text + "T00:00:00Z")) return *day;
    const auto span = parse_span(text);
    if (!span) return expected_other(expected, text);
    if (*span > days(100 * 365)) return failed(config::quote(text) + " is more than a hundred years");
    return *span;
}

Result<Duration> parse_grace(const std::string& text) {
    if (text == "none") return Duration::zero();
    const auto span = parse_span(text);
    if (!span) return expected_other("a time such as 7d or 12h, or none", text);
    if (*span > std::chrono::days(365)) return failed(config::quote(text) + " is more than a year");
    return *span;
}

Result<ByteCount> parse_quota(const std::string& text) {
    const auto quota = config::parse_quota(text);
    if (!quota) return expected_other(config::expected_quota, text);
    return *quota;
}

Result<BitRate> parse_rate(const std::string& text) {
    const auto rate = config::parse_rate(text);
    if (!rate) return expected_other(config::expected_rate, text);
    return *rate;
}

Result<system::LogLevel> parse_level(const std::string& text) {
    const auto level = system::parse_log_level(text);
    if (!level) return expected_other("error, warn, info or debug", text);
    return *level;
}

} // namespace vpn::server
