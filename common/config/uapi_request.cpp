#include "common/config/uapi_request.hpp"

#include <cerrno>
#include <utility>

namespace vpn::config {
namespace {

constexpr std::string_view first_of_get = "get=1";
constexpr std::string_view first_of_set = "set=1";
constexpr std::size_t longest_key_shown = 40;

template <class Key> std::optional<Key> parse_key(std::string_view value) {
    Key key;
    return parse_hex(value, key.mutable_view()) ? std::optional(std::move(key)) : std::nullopt;
}

/// Puts `value` where it belongs; false if there is none.
template <class T, class Parsed> bool take(std::optional<T>& to, Parsed value) {
    if (!value) return false;
    to = std::move(value);
    return true;
}

/// Keys that can only be switched on.
bool take_true(bool& to, std::string_view value) {
    to = value == "true";
    return to;
}

bool take_port(std::optional<Port>& to, std::string_view value) {
    const auto number = parse_decimal(value, 0xffff);
    if (number) to = Port{static_cast<std::uint16_t>(*number)};
    return number.has_value();
}

bool take_mark(std::optional<Mark>& to, std::string_view value) {
    const auto number = parse_decimal(value, 0xffffffff);
    if (number) to = Mark{*number};
    return number.has_value();
}

bool take_keepalive(std::optional<std::chrono::seconds>& to, std::string_view value) {
    const auto number = parse_decimal(value, 0xffff);
    if (number) to = std::chrono::seconds(*number);
    return number.has_value();
}

bool take_allowed_ip(std::vector<UapiAllowedIp>& to, std::string_view value) {
    const bool remove = value.starts_with('-');
    if (remove) value.remove_prefix(1);
    const auto prefix = Prefix::parse(value);
    if (prefix) to.push_back({prefix->network(), remove});
    return prefix.has_value();
}

/// What may be shown of a line: nothing that could be a value.
std::string_view key_of(std::string_view line) {
    const std::size_t end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_");
    return end != std::string_view::npos && line[end] == '=' ? line.substr(0, end) : std::string_view();
}

} // namespace

std::optional<UapiRequest> UapiParser::handle_line(std::string_view line) {
    if (line.empty()) return finish();
    ++lines_;
    if (request_ && std::holds_alternative<UapiRefusal>(*request_)) return std::nullopt; // to its end, whatever comes
    const Taken mistake = line.size() > longest_line ? Mistake{EPROTO}
                          : !request_                ? handle_first(line)
                                                     : [&] {
                                            const std::size_t equals = line.find('=');
                                            if (equals == std::string_view::npos) return Taken(Mistake{EPROTO});
                                            return handle_key(line.substr(0, equals), line.substr(equals + 1));
                                        }();
    if (!mistake) return std::nullopt;
    const bool of_get = request_ ? std::holds_alternative<UapiGet>(*request_) : line.starts_with("get");
    const std::string key(key_of(line).substr(0, longest_key_shown));
    request_ = UapiRefusal{of_get, mistake->error, "line " + std::to_string(lines_) + ": " + key};
    return std::nullopt;
}

void UapiParser::refuse(int error) noexcept {
    const bool of_get = request_ && std::holds_alternative<UapiGet>(*request_);
    request_.emplace(UapiRefusal{of_get, error, {}});
}

std::optional<UapiRequest> UapiParser::finish() {
    lines_ = 0;
    return std::exchange(request_, std::nullopt);
}

UapiParser::Taken UapiParser::handle_first(std::string_view line) {
    if (line == first_of_get) {
        request_ = UapiGet{};
        return std::nullopt;
    }
    if (line != first_of_set) return Mistake{EPROTO};
    request_ = UapiSet{};
    return std::nullopt;
}

UapiParser::Taken UapiParser::handle_key(std::string_view key, std::string_view value) {
    auto* const set = std::get_if<UapiSet>(&*request_);
    if (set == nullptr) return Mistake{EINVAL}; // a get says nothing more
    if (key == "public_key") return start_peer(value);
    return set->peers.empty() ? handle_device_key(key, value) : handle_peer_key(set->peers.back(), key, value);
}

UapiParser::Taken UapiParser::handle_device_key(std::string_view key, std::string_view value) {
    auto& set = std::get<UapiSet>(*request_);
    const bool taken = key == "private_key"     ? take(set.private_key, parse_key<crypto::PrivateKey>(value))
                       : key == "listen_port"   ? take_port(set.listen_port, value)
                       : key == "fwmark"        ? take_mark(set.mark, value)
                       : key == "replace_peers" ? take_true(set.replace_peers, value)
                                                : false;
    return taken ? Taken() : Mistake{EINVAL};
}

UapiParser::Taken UapiParser::start_peer(std::string_view value) {
    UapiPeer peer;
    if (!parse_hex(value, peer.public_key.bytes)) return Mistake{EINVAL};
    std::get<UapiSet>(*request_).peers.push_back(std::move(peer));
    return std::nullopt;
}

UapiParser::Taken UapiParser::handle_peer_key(UapiPeer& peer, std::string_view key, std::string_view value) {
    if (key == "endpoint") return take_endpoint(peer, value);
    if (key == "replace_allowed_ips") peer.allowed_ips.clear(); // those above it too
    const bool taken = key == "allowed_ip"                      ? take_allowed_ip(peer.allowed_ips, value)
                       : key == "preshared_key"                 ? take(peer.preshared_key, parse_key<crypto::PresharedKey>(value))
                       : key == "persistent_keepalive_interval" ? take_keepalive(peer.persistent_keepalive, value)
                       : key == "replace_allowed_ips"           ? take_true(peer.replace_allowed_ips, value)
                       : key == "remove"                        ? take_true(peer.remove, value)
                       : key == "update_only"                   ? take_true(peer.update_only, value)
                       : key == "protocol_version"              ? value == "1"
                                                                : false;
    return taken ? Taken() : Mistake{EINVAL};
}

UapiParser::Taken UapiParser::take_endpoint(UapiPeer& peer, std::string_view value) {
    if (take(peer.endpoint, Endpoint::parse(value))) return std::nullopt;
    // The interface of a link-local address may stand there by its name.
    const std::size_t percent = value.find('%');
    const std::size_t close = value.find(']');
    if (percent == std::string_view::npos || close == std::string_view::npos || close < percent) return Mistake{EINVAL};
    const auto scope = scopes_(std::string(value.substr(percent + 1, close - percent - 1)));
    if (!scope) return Mistake{ENODEV};
    const std::string numbered =
        std::string(value.substr(0, percent + 1)) + std::to_string(*scope) + std::string(value.substr(close));
    return take(peer.endpoint, Endpoint::parse(numbered)) ? Taken() : Mistake{EINVAL};
}

} // namespace vpn::config
