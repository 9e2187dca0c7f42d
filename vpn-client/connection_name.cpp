#include "vpn-client/connection_name.hpp"

#include "common/config/error.hpp"
#include "common/config/names.hpp"
#include "common/system/directory.hpp"
#include "common/system/unfinished_file.hpp"

#include <array>
#include <filesystem>

namespace vpn::client {
namespace {

using system::ExitCode;

std::string_view stem_of(std::string_view path) {
    const std::string_view file = path.substr(path.find_last_of('/') + 1);
    const std::size_t dot = file.find_last_of('.');
    return dot == std::string_view::npos || dot == 0 ? file : file.substr(0, dot);
}

bool is_file(std::string_view argument) {
    return argument.find('/') != std::string_view::npos || argument.ends_with(".json") || argument.ends_with(".conf");
}

std::string in_run_directory(std::string_view name, std::string_view ending) {
    return std::string(run_directory) + '/' + lock_name(name) + std::string(ending);
}

} // namespace

Granted<ConnectionName> parse_connection_name(std::string_view argument) {
    const std::string rule(config::interface_name_rule);
    if (!is_file(argument)) {
        if (!config::is_interface_name(argument))
            return refuse(ExitCode::usage,
                          config::quote(argument) +
                              " is neither a file (with a / in it, or ending in .json or .conf) nor a name: " + rule);
        return ConnectionName{std::string(argument), std::string(connection_directory) + '/' + std::string(argument) + ".json"};
    }
    const std::string_view stem = stem_of(argument);
    if (!config::is_interface_name(stem))
        return refuse(ExitCode::bad_configuration, config::printable(argument, 4096) +
                                                       ": a connection is called like its file, and " + config::quote(stem) +
                                                       " is no name: rename the file so that it has " + rule);
    return ConnectionName{std::string(stem), std::string(argument)};
}

std::string connection_of(std::string_view file) {
    constexpr std::string_view start = "client-";
    if (!file.starts_with(start)) return {};
    if (const std::string_view goal = system::goal_of_unfinished(file); goal.ends_with(".journal") || goal.ends_with(".dns"))
        file = goal;
    for (const std::string_view end : {".sock", ".journal", ".lock", ".dns"})
        if (file.ends_with(end) && file.size() > start.size() + end.size()) {
            std::string name(file.substr(start.size(), file.size() - start.size() - end.size()));
            return config::is_interface_name(name) ? name : std::string();
        }
    return {};
}

std::set<std::string> connections_with_files() {
    std::set<std::string> names;
    for (const std::string_view directory : {run_directory, state_directory})
        for (const std::filesystem::path& path : system::paths_in(directory))
            if (std::string name = connection_of(path.filename().string()); !name.empty()) names.insert(std::move(name));
    return names;
}

std::string lock_name(std::string_view name) { return "client-" + std::string(name); }
std::string socket_path(std::string_view name) { return in_run_directory(name, ".sock"); }
std::string journal_path(std::string_view name) { return in_run_directory(name, ".journal"); }
std::string timestamps_path(std::string_view name) {
    return std::string(state_directory) + '/' + lock_name(name) + ".timestamps";
}

} // namespace vpn::client
