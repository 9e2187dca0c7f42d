#include "vpn-server/door.hpp"

#include "vpn-server/paths.hpp"

#include <chrono>
#include <filesystem>
#include <vector>

namespace vpn::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience{30};

bool may_be_ours(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.starts_with(instance_name("")) && name.ends_with(".sock");
}

/// Empty if nothing of ours ever ran.
CommandResult<std::vector<std::string>> sockets() {
    std::vector<std::string> found;
    std::error_code error;
    for (fs::directory_iterator it(run_directory, error), end; !error && it != end; it.increment(error))
        if (may_be_ours(it->path())) found.push_back(it->path().string());
    if (error == std::errc::permission_denied)
        return refused(ExitCode::no_permission, "may not ask the daemon: " + error.message() + "; run as root");
    return found;
}

bool same_file(const std::string& a, const std::string& b) {
    std::error_code error;
    const fs::path first = fs::weakly_canonical(a, error);
    return !error && first == fs::weakly_canonical(b, error) && !error;
}

} // namespace

CommandResult<std::optional<Door>> Door::find(const std::string& config_file) {
    const auto paths = sockets();
    if (!paths) return tl::unexpected(paths.error());
    for (const std::string& path : *paths) {
        auto client = system::UnixClient::connect(path);
        if (!client && system::is_errno(client.error(), EACCES)) return refused(ExitCode::no_permission, client.error().message);
        if (!client) continue; // left by one that was killed
        Door door(std::move(*client));
        const Answer whose = door.ask(AskConfigFile{});
        if (whose && same_file(std::string(whose->string_at("config").value_or("")), config_file)) return door;
    }
    return std::nullopt;
}

Answer Door::ask(const Request& request) {
    const auto line = client_.ask(encode(request), patience);
    if (!line) return refused(ExitCode::failure, "the daemon gave " + line.error().message);
    return decode_answer(*line);
}

CommandResult<Door> need_daemon(const std::string& config_file) {
    auto door = Door::find(config_file);
    if (!door) return tl::unexpected(std::move(door.error()));
    if (!*door) return refused(ExitCode::not_running, "no server runs by " + config_file + ": start it with `vpn-server run`");
    return std::move(**door);
}

} // namespace vpn::server
