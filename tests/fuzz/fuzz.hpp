// What every fuzz target shares. A target is fed any bytes, must not crash, and demands what holds for all of them.
#pragma once

#include "common/base/encoding.hpp"
#include "common/base/result.hpp"
#include "common/config/error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace vpn::fuzz {

/// Ends the run, with the input that did it, if `holds` is false.
inline void demand(bool holds) {
    if (!holds) std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// An error has a line of the text, and a message that is short and does nothing to a terminal.
inline void demand_helpful(const config::ConfigError& error, std::string_view text) {
    demand(error.line >= 0 && error.line <= 1 + std::count(text.begin(), text.end(), '\n'));
    demand(!error.message.empty() && error.message.size() < 2000);
    demand(std::none_of(error.message.begin(), error.message.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }));
}

/// Stands for the files that keys lie in: each path has its own key.
inline Result<std::string> key_in_file(const std::string& path) {
    if (path.ends_with('!')) return failed("no such file");
    ByteArray<32> key{};
    for (std::size_t i = 0; i < path.size(); ++i) key[i % 32] ^= static_cast<std::byte>(static_cast<unsigned char>(path[i]) + i);
    return format_base64(key) + '\n';
}

} // namespace vpn::fuzz
