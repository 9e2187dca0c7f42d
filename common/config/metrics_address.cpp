#include "common/config/metrics_address.hpp"

#include "common/config/error.hpp"

#include <algorithm>

namespace vpn::config {
namespace {

constexpr std::string_view expected = "expected \"127.0.0.1:PORT\", \"[::1]:PORT\" or \"unix:/absolute/path\"";
constexpr std::string_view socket_prefix = "unix:";
/// What the kernel takes (sun_path), its end included.
constexpr std::size_t longest_path = 107;

bool is_loopback(const IpAddress& address) {
    static const Prefix v4 = *Prefix::parse("127.0.0.0/8");
    static const Prefix v6 = *Prefix::parse("::1/128");
    return (address.is_v4() ? v4 : v6).contains(address);
}

tl::unexpected<Failure> refused(std::string_view text, std::string_view why) {
    return failed(quote(text, 128) + ' ' + std::string(why));
}

Result<MetricsAddress> parse_socket(std::string_view text) {
    const std::string_view path = text.substr(socket_prefix.size());
    if (!path.starts_with('/')) return refused(text, "is no absolute path: " + std::string(expected));
    if (path.ends_with('/')) return refused(text, "names a directory: it must be the socket's own path");
    if (path.size() > longest_path)
        return refused(text, "is too long for a socket: at most " + std::to_string(longest_path) + " bytes");
    if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
        return refused(text, "has control characters in it");
    return MetricsAddress{std::string(path)};
}

} // namespace

Result<MetricsAddress> MetricsAddress::parse(std::string_view text) {
    if (text.starts_with(socket_prefix)) return parse_socket(text);
    const auto endpoint = Endpoint::parse(text);
    if (!endpoint || endpoint->scope != 0) return refused(text, "is no address with a port: " + std::string(expected));
    if (!is_loopback(endpoint->address))
        return refused(text,
                       "can be reached from outside, and whoever asks there is told who is connected and how much they send: " +
                           std::string(expected));
    return MetricsAddress{*endpoint};
}

std::string MetricsAddress::to_string() const {
    if (const auto* endpoint = std::get_if<Endpoint>(&place)) return endpoint->to_string();
    return std::string(socket_prefix) + std::get<std::string>(place);
}

} // namespace vpn::config
