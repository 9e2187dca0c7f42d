#include "common/config/host_port.hpp"

#include "common/config/error.hpp"

#include <algorithm>

namespace vpn::config {
namespace {

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_label(std::string_view label) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    return std::all_of(label.begin(), label.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

/// The text of an IPv6 address, with a scope as a number if need be; empty if it is none.
std::string canonical_v6(std::string_view text) {
    const std::string bracketed = '[' + std::string(text) + "]:1";
    const auto endpoint = Endpoint::parse(bracketed);
    if (!endpoint) return {};
    const std::string canonical = endpoint->to_string();
    return canonical.substr(1, canonical.size() - 4);
}

struct Parts {
    std::string_view host;
    std::optional<std::string_view> port;
    bool bracketed = false;
};

std::optional<Parts> split(std::string_view text) {
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        const std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && rest[0] != ':') return std::nullopt;
        return Parts{text.substr(1, close - 1), rest.empty() ? std::nullopt : std::optional(rest.substr(1)), true};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return Parts{text, std::nullopt, false};
    if (text.find(':', colon + 1) != std::string_view::npos) return Parts{text, std::nullopt, true}; // an IPv6 address alone
    return Parts{text.substr(0, colon), text.substr(colon + 1), false};
}

} // namespace

bool is_host_name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > 253) return false;
    for (;;) {
        const std::size_t dot = text.find('.');
        const std::string_view label = text.substr(0, dot);
        if (!is_label(label)) return false;
        if (dot == std::string_view::npos) return std::any_of(label.begin(), label.end(), is_letter);
        text.remove_prefix(dot + 1);
    }
}

Result<HostPort> HostPort::parse(std::string_view text, std::optional<Port> default_port) {
    const std::string shape = default_port ? "expected HOST, HOST:PORT or [IPv6]:PORT" : "expected HOST:PORT or [IPv6]:PORT";
    const auto refuse = [&](const std::string& why) { return failed(shape + ", found " + quote(text, 80) + why); };
    const auto parts = split(text);
    if (!parts) return refuse("");
    HostPort result;
    if (parts->bracketed) {
        result.host = canonical_v6(parts->host);
        if (result.host.empty()) return refuse(": that is no IPv6 address");
    } else if (const auto address = IpAddress::parse(parts->host)) {
        result.host = address->to_string();
    } else if (is_host_name(parts->host)) {
        result.host = parts->host;
    } else {
        return refuse(": that is neither an address nor a host name");
    }
    if (!parts->port) {
        if (!default_port) return refuse(text.starts_with('[') || !parts->bracketed ? ": the port is missing" : "");
        result.port = *default_port;
        return result;
    }
    const auto port = parse_decimal(*parts->port, 65535);
    if (!port || *port == 0) return refuse(": a port is a number from 1 to 65535");
    result.port = Port{static_cast<std::uint16_t>(*port)};
    return result;
}

std::optional<Endpoint> HostPort::literal() const { return Endpoint::parse(to_string()); }

std::string HostPort::to_string() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port.value);
}

} // namespace vpn::config
