// The two suites by name (PROTOCOL, first table): files say which one a peer has; nothing on the wire can change it.
// Refuses to know: what they are made of; that is `protocol/suite`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vpn::crypto {

enum class Suite : std::uint8_t { wireguard, hybrid };
inline constexpr Suite every_suite[] = {Suite::wireguard, Suite::hybrid};

/// As files and screens have it.
constexpr std::string_view name_of(Suite suite) { return suite == Suite::hybrid ? "hybrid" : "wireguard"; }

constexpr std::optional<Suite> parse_suite(std::string_view name) {
    for (const Suite suite : every_suite)
        if (name == name_of(suite)) return suite;
    return std::nullopt;
}

} // namespace vpn::crypto
