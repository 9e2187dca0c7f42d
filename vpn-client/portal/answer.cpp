#include "vpn-client/portal/answer.hpp"

#include "common/config/error.hpp"

#include <algorithm>
#include <optional>

namespace vpn::client {
namespace {

constexpr std::size_t longest_host = 253;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const std::size_t from = text.find_first_not_of(blank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(blank) + 1 - from);
}

/// Where the body begins; none if the headers are not complete.
std::optional<std::size_t> end_of_headers(std::string_view answer) {
    const std::size_t strict = answer.find("\r\n\r\n");
    const std::size_t lax = answer.find("\n\n");
    if (strict == std::string_view::npos && lax == std::string_view::npos) return std::nullopt;
    return strict < lax ? strict + 4 : lax + 2;
}

/// Zero if it is no answer of HTTP.
unsigned status_of(std::string_view answer) {
    constexpr std::string_view start = "HTTP/1.";
    constexpr std::size_t at = start.size() + 2; // behind the version's digit and a blank
    if (!answer.starts_with(start) || answer.size() < at + 4 || answer[at - 1] != ' ') return 0;
    unsigned code = 0;
    for (const char digit : answer.substr(at, 3)) {
        if (digit < '0' || digit > '9') return 0;
        code = code * 10 + static_cast<unsigned>(digit - '0');
    }
    return trimmed(answer.substr(at + 3, 1)).empty() || answer[at + 3] == '\n' ? code : 0;
}

/// The first header of this name, if its line is complete.
std::optional<std::string_view> header(std::string_view answer, std::string_view name) {
    std::string_view headers = answer.substr(0, end_of_headers(answer).value_or(answer.size()));
    for (std::size_t end = 0; (end = headers.find('\n')) != std::string_view::npos;) {
        headers.remove_prefix(end + 1);
        const std::size_t length = headers.find('\n');
        if (length == std::string_view::npos) break;
        const std::string_view line = headers.substr(0, length);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && same_word(line.substr(0, colon), name)) return trimmed(line.substr(colon + 1));
    }
    return std::nullopt;
}

/// Of an absolute address, without port, user and password; empty for any other.
std::string_view host_of(std::string_view location) {
    const std::size_t scheme = location.find("://");
    const bool known = scheme != std::string_view::npos &&
                       (same_word(location.substr(0, scheme), "http") || same_word(location.substr(0, scheme), "https"));
    if (!known) return {};
    location.remove_prefix(scheme + 3);
    location = location.substr(0, location.find_first_of("/?#\\ \t"));
    location.remove_prefix(location.rfind('@') == std::string_view::npos ? 0 : location.rfind('@') + 1);
    if (location.starts_with('[')) return location.substr(0, std::min(location.find(']'), location.size() - 1) + 1);
    return location.substr(0, location.find(':'));
}

WayOut portal_at(std::string_view host) { return {WayOut::Kind::portal, config::printable(host, longest_host)}; }

WayOut judge_redirect(std::string_view answer, const config::HttpUrl& asked) {
    const std::string_view host = host_of(header(answer, "location").value_or(""));
    return host.empty() || same_word(host, asked.server.host) ? WayOut{} : portal_at(host);
}

/// A page in place of none.
WayOut judge_page(std::string_view answer) {
    const auto length = header(answer, "content-length");
    const auto body = end_of_headers(answer);
    if (!body) return {};
    const bool empty = length ? length->find_first_not_of('0') == std::string_view::npos : answer.size() == *body;
    return empty ? WayOut{WayOut::Kind::open, {}} : portal_at({});
}

} // namespace

std::string portal_question(const config::HttpUrl& url) {
    return "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host_header() +
           "\r\nUser-Agent: vpn-client\r\nAccept: */*\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n";
}

bool tells_enough(std::string_view answer) {
    const auto body = end_of_headers(answer);
    if (!body) return answer.size() >= longest_portal_answer;
    return status_of(answer) != 200 || header(answer, "content-length") || answer.size() > *body;
}

WayOut judge_portal_answer(std::string_view answer, const config::HttpUrl& asked) {
    switch (status_of(answer)) {
    case 200: return judge_page(answer);
    case 204: return {WayOut::Kind::open, {}};
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: return judge_redirect(answer, asked);
    case 511: return portal_at({}); // RFC 6585: made for them
    default: return {};
    }
}

std::string portal_explanation(const std::string& host, const std::string& connection) {
    return "a captive portal keeps this machine from the network" + (host.empty() ? std::string() : ": it leads to " + host) +
           "\n  Open a browser and do what the portal asks for. With a lock, or once connected, first: vpn-client pause 5m " +
           connection;
}

} // namespace vpn::client
