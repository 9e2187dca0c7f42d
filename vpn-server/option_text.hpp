// The values that options take, from what was typed. Each failure says what was expected.
// Refuses to know: the command line's library, and which option it is.
#pragma once

#include "common/base/result.hpp"
#include "vpn-server/options.hpp"

#include <string>
#include <vector>

namespace vpn::server {

/// `A,B,...`, at least one.
Result<std::vector<Prefix>> parse_prefixes(const std::string& text);
Result<std::vector<IpAddress>> parse_addresses(const std::string& text);

Result<Prefix> parse_network_v4(const std::string& text);
Result<Prefix> parse_network_v6(const std::string& text);
Result<Port> parse_port(const std::string& text);
Result<std::string> parse_interface_name(const std::string& text);
Result<std::string> parse_peer_name(const std::string& text);
Result<crypto::PublicKey> parse_public_key(const std::string& text);
Result<FileFormat> parse_format(const std::string& text);
Result<config::Suite> parse_suite(const std::string& text);
Result<system::LogLevel> parse_level(const std::string& text);
/// `30d`, `12h`, a day in UTC or an instant.
Result<Expiry> parse_expiry(const std::string& text);
/// `30d`, `12h`, or `none`, which is zero; a year at most.
Result<Duration> parse_grace(const std::string& text);
Result<ByteCount> parse_quota(const std::string& text);
Result<BitRate> parse_rate(const std::string& text);
/// `none` takes a limit away; anything else is for `parse`.
template <class T> Result<Typed<T>> parse_or_none(const std::string& text, Result<T> (*parse)(const std::string& text)) {
    if (text == "none") return Typed<T>{};
    auto value = parse(text);
    if (!value) return tl::unexpected(value.error());
    return Typed<T>{std::move(*value)};
}

} // namespace vpn::server
