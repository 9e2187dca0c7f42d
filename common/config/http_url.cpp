#include "common/config/http_url.hpp"

#include "common/config/error.hpp"

#include <algorithm>

namespace vpn::config {
namespace {

constexpr std::string_view scheme = "http://";
constexpr Port usual_port{80};
constexpr std::size_t longest_path = 1024;

bool is_path_character(char c) { return c > ' ' && c < '\x7f' && c != '#'; }

/// With the port, or without it; an IPv6 address in brackets either way.
Result<HostPort> parse_server(std::string_view text) {
    if (!text.starts_with('[') && std::ranges::count(text, ':') > 1)
        return failed("an IPv6 address stands in brackets: " + quote(text));
    if (text.starts_with('[') && text.ends_with(']')) return HostPort::parse(std::string(text) + ":80");
    return HostPort::parse(text, usual_port);
}

} // namespace

Result<HttpUrl> HttpUrl::parse(std::string_view text) {
    if (!text.starts_with(scheme)) return failed("expected http://HOST/PATH, found " + quote(text));
    const std::string_view rest = text.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    auto server = parse_server(rest.substr(0, end));
    if (!server) return failed(server.error().message);
    std::string path(rest.substr(end));
    if (!path.starts_with('/')) path.insert(path.begin(), '/');
    if (path.size() > longest_path) return failed("the path is longer than " + std::to_string(longest_path) + " characters");
    if (!std::ranges::all_of(path, is_path_character))
        return failed("the path holds a character that belongs encoded: " + quote(text));
    return HttpUrl{std::move(*server), std::move(path)};
}

std::string HttpUrl::host_header() const {
    std::string text = server.to_string();
    if (server.port == usual_port) text.resize(text.rfind(':'));
    return text;
}

HttpUrl well_known_portal_check() { return {{"connectivity-check.ubuntu.com", usual_port}, "/"}; }

} // namespace vpn::config
