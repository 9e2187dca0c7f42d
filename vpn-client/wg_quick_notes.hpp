// What is told of a wg-quick file's lines that this program does not carry out: each by name, none in silence.
#pragma once

#include "common/config/wg_quick.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

/// Of keys of wg-quick's that we do otherwise, and of those that nobody knows; a line each.
std::vector<std::string> notes_on_keys(const config::WgQuickFile& file);

/// What follows the hooks that are not run: how to have them run, or what became of them.
inline constexpr std::string_view hooks_may_run = "to have these run as root, read them first, then add --run-hooks to `connect`";
inline constexpr std::string_view hooks_after_import =
    "JSON has no such lines: to have them run, connect the .conf itself, with --run-hooks";
inline constexpr std::string_view hooks_do_not_run = "`run` has none";
inline constexpr std::string_view hooks_after_export = "these are not exported: add them by hand if you need them";

/// A line for each, and `end` as the last one. None if there are no hooks.
std::vector<std::string> notes_on_hooks(const std::vector<config::WgQuickLine>& hooks, std::string_view end);

} // namespace vpn::client
