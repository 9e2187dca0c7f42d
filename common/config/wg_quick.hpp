// The text that wg-quick and every WireGuard app read (wg-quick(8), wg(8)) <-> ClientConfig.
// Refuses to know: whether a hook may run. Hooks are handed over as text, and nothing here runs anything.
#pragma once

#include "common/config/client_config.hpp"
#include "common/config/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::config {

/// A line that a client of ours does not carry out by itself.
struct WgQuickLine {
    int line = 0;
    /// As written, for example `PostUp`.
    std::string key;
    std::string value;
    friend bool operator==(const WgQuickLine&, const WgQuickLine&) = default;
};

struct WgQuickFile {
    ClientConfig config;
    /// PreUp, PostUp, PreDown, PostDown, in their order. The values are the file's own: escape them before showing them.
    std::vector<WgQuickLine> hooks;
    /// What we don't do of wg-quick's keys: a Table of one's own, a FwMark, SaveConfig.
    std::vector<WgQuickLine> unused;
    /// Keys that nobody knows.
    std::vector<WgQuickLine> unknown;
};

/// Keys and sections in any case, comments from `#`, lists by comma or by repeated keys, as wg-quick does. What `check` refuses
/// of a client's configuration is refused here too, with the line.
Parsed<WgQuickFile> parse_wg_quick(std::string_view text, std::string_view file);

/// For phones and other clients. Holds secrets: the caller wipes it. A private key that is all zeros, since only the client has
/// it, is left out.
std::string format_wg_quick(const ClientConfig& config);

} // namespace vpn::config
