// PreUp, PostUp, PreDown and PostDown of a wg-quick file: which there are, when each has its turn, and for how long. Pure.
// Refuses to know: whether they may run, and who runs them.
#pragma once

#include "common/base/time.hpp"
#include "common/config/wg_quick.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

/// In the order in which a connection comes to them.
enum class HookMoment : std::uint8_t { pre_up, post_up, pre_down, post_down };

/// `PostUp`.
std::string_view key_of(HookMoment moment);
/// Of a file's key, in any case; none if it is no hook's.
std::optional<HookMoment> moment_of(std::string_view key);
/// PreUp or PostUp: the connection waits for it, and fails with it.
constexpr bool goes_up(HookMoment moment) { return moment < HookMoment::pre_down; }
/// How long one hook of that moment may run.
Duration time_for(HookMoment moment);
/// One of PreUp or PostUp that runs for so long is told of.
inline constexpr Duration slow_hook = std::chrono::seconds(10);

struct Hook {
    HookMoment moment = HookMoment::pre_up;
    int line = 0; ///< of the file
    std::string command;
    friend bool operator==(const Hook&, const Hook&) = default;
};

/// In the file's order.
std::vector<Hook> hooks_of(const std::vector<config::WgQuickLine>& lines);
/// `PostUp at line 4`.
std::string name_of(const Hook& hook);
/// `command` with the interface's name for each `%i`.
std::string with_interface(std::string_view command, std::string_view interface);

} // namespace vpn::client
