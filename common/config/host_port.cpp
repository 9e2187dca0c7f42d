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
    std::string_view host = {};
    std::optional<std::string_view> port = {};
    bool v6 = false;
    /// Why the text can't be taken apart, else empty.
    std::string_view fault = {};
};

Parts split_bracketed(std::string_view text) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return {.fault = "the closing bracket is missing"};
    const std::string_view host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (rest.empty()) return {host, std::nullopt, true};
    if (rest.front() != ':') return {.fault = "only a port may follow the bracket"};
    return {host, rest.substr(1), true};
}

Parts split(std::string_view text, bool port_needed) {
    if (text.starts_with('[')) return split_bracketed(text);
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return {text, std::nullopt};
    if (text.find(':', colon + 1) == std::string_view::npos) return {text.substr(0, colon), text.substr(colon + 1)};
    if (port_needed) return {.fault = "an IPv6 address needs brackets before its port"};
    return {text, std::nullopt, true};
}

/// The host as it is kept, or why it is none.
Result<std::string> read_host(const Parts& parts) {
    if (parts.v6) {
        std::string canonical = canonical_v6(parts.host);
        return canonical.empty() ? Result<std::string>(failed("that is no IPv6 address")) : canonical;
    }
    if (const auto address = IpAddress::parse(parts.host)) return address->to_string();
    if (is_host_name(parts.host)) return std::string(parts.host);
    return failed("that is neither an address nor a host name");
}

Result<Port> read_port(const Parts& parts, std::optional<Port> default_port) {
    if (!parts.port && !default_port) return failed("the port is missing");
    if (!parts.port) return *default_port;
    const auto port = parse_decimal(*parts.port, 65535);
    if (!port || *port == 0) return failed("a port is a number from 1 to 65535");
    return Port{static_cast<std::uint16_t>(*port)};
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
    const auto refuse = [&](std::string_view why) {
        return failed("expected " + std::string(default_port ? "HOST, " : "") + "HOST:PORT or [IPv6]:PORT, found " +
                      quote(text, 80) + ": " + std::string(why));
    };
    const Parts parts = split(text, !default_port);
    if (!parts.fault.empty()) return refuse(parts.fault);
    auto host = read_host(parts);
    if (!host) return refuse(host.error().message);
    const auto port = read_port(parts, default_port);
    if (!port) return refuse(port.error().message);
    return HostPort{*std::move(host), *port};
}

std::optional<Endpoint> HostPort::literal() const { return Endpoint::parse(to_string()); }

std::string HostPort::to_string() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port.value);
}

} // namespace vpn::config
