#include "vpn-client/hooks.hpp"

#include <algorithm>
#include <array>

namespace vpn::client {
namespace {

constexpr std::array<std::string_view, 4> keys{"PreUp", "PostUp", "PreDown", "PostDown"};

constexpr Duration time_for_down = std::chrono::seconds(10);
constexpr Duration time_for_up = std::chrono::minutes(2);

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

} // namespace

std::string_view key_of(HookMoment moment) { return keys.at(static_cast<std::size_t>(moment)); }

std::optional<HookMoment> moment_of(std::string_view key) {
    const auto same = [key](std::string_view one) { return std::ranges::equal(one, key, {}, lower, lower); };
    const auto found = std::ranges::find_if(keys, same);
    if (found == keys.end()) return std::nullopt;
    return static_cast<HookMoment>(found - keys.begin());
}

Duration time_for(HookMoment moment) { return goes_up(moment) ? time_for_up : time_for_down; }

std::vector<Hook> hooks_of(const std::vector<config::WgQuickLine>& lines) {
    std::vector<Hook> hooks;
    for (const config::WgQuickLine& line : lines)
        if (const auto moment = moment_of(line.key)) hooks.push_back({*moment, line.line, line.value});
    return hooks;
}

std::string name_of(const Hook& hook) { return std::string(key_of(hook.moment)) + " at line " + std::to_string(hook.line); }

std::string with_interface(std::string_view command, std::string_view interface) {
    constexpr std::string_view placeholder = "%i";
    std::string text;
    for (std::size_t at = command.find(placeholder); at != std::string_view::npos; at = command.find(placeholder)) {
        text.append(command.substr(0, at)).append(interface);
        command.remove_prefix(at + placeholder.size());
    }
    return text.append(command);
}

} // namespace vpn::client
