#include "vpn-client/wg_quick_notes.hpp"

namespace vpn::client {
namespace {

std::string named(const config::WgQuickLine& line) {
    return "note: " + config::quote(line.key) + " at line " + std::to_string(line.line);
}

/// What happens in place of what the line asks for.
std::string_view instead(std::string_view key) {
    if (key == "Table") return " is passed over: routes go to the main table, or to one of ours where they must";
    if (key == "FwMark") return " is passed over: outer packets carry the mark 0x76706e";
    return " is passed over: a connection never writes its file"; // SaveConfig
}

} // namespace

std::vector<std::string> notes_on_keys(const config::WgQuickFile& file) {
    std::vector<std::string> notes;
    for (const auto& line : file.unused)
        notes.push_back(named(line) + std::string(instead(line.key)) + ": " + config::quote(line.value));
    for (const auto& line : file.unknown) notes.push_back(named(line) + " is not known and is passed over");
    return notes;
}

std::vector<std::string> notes_on_hooks(const std::vector<config::WgQuickLine>& hooks, std::string_view end) {
    constexpr std::size_t shown = 500;
    std::vector<std::string> notes;
    notes.reserve(hooks.size() + 1);
    for (const auto& hook : hooks) notes.push_back(named(hook) + " is not run: " + config::quote(hook.value, shown));
    if (!notes.empty()) notes.push_back("note: " + std::string(end));
    return notes;
}

} // namespace vpn::client
