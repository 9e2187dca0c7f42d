#include "vpn-client/daemons.hpp"

#include "common/config/names.hpp"
#include "common/system/directory.hpp"
#include "common/system/unix_socket.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/control_messages.hpp"

#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <filesystem>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;
using Kind = DaemonError::Kind;
using system::OsError;
using system::OsResult;
using system::UnixClient;

constexpr Duration patience = 5s;
constexpr std::string_view file_start = "client-";
constexpr std::string_view file_end = ".sock";

tl::unexpected<DaemonError> refuse(Kind kind, std::string message) {
    return tl::unexpected<DaemonError>(DaemonError{{std::move(message)}, kind});
}

Kind kind_of(const OsError& error) {
    if (is_errno(error, ENOENT) || is_errno(error, ECONNREFUSED) || is_errno(error, ENOTDIR)) return Kind::not_running;
    if (is_errno(error, EACCES) || is_errno(error, EPERM)) return Kind::not_allowed;
    return Kind::no_answer;
}

tl::unexpected<DaemonError> refuse(std::string_view name, const OsError& error) {
    const Kind kind = kind_of(error);
    if (kind == Kind::not_running) return refuse(kind, std::string(name) + " is not connected");
    if (kind == Kind::not_allowed) return refuse(kind, error.message + "; run as root");
    return refuse(kind, std::string(name) + " does not answer: " + error.message);
}

/// A handle on the process that listens; none where it can't be seen.
system::UniqueFd handle_of_daemon(const UnixClient& client) {
    const auto who = system::peer_credentials(client.fd());
    if (!who || who->process <= 0) return {};
    return system::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, who->process, 0)));
}

bool has_timed_out(const OsResult<std::string>& line) { return !line && is_errno(line.error(), ETIMEDOUT); }

/// It has a limit of its own, and then comes the next.
bool runs_a_hook(std::string_view name) {
    const auto report = ask_for_report(name);
    return report && !report->hook.empty();
}

/// True if the process has ended within the limit, or can't be seen.
bool wait_for_end(const system::UniqueFd& process, Duration limit) {
    if (!process) return true;
    pollfd watched{process.get(), POLLIN, 0};
    return ::poll(&watched, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(limit).count())) != 0;
}

} // namespace

system::ExitCode code_of(const DaemonError& error) {
    switch (error.kind) {
    case Kind::not_running: return system::ExitCode::not_running;
    case Kind::not_allowed: return system::ExitCode::no_permission;
    case Kind::no_answer: break;
    }
    return system::ExitCode::failure;
}

std::vector<std::string> running_connections() {
    std::vector<std::string> names;
    for (const std::filesystem::path& path : system::paths_in(run_directory)) {
        const std::string file = path.filename();
        if (!file.starts_with(file_start) || !file.ends_with(file_end)) continue;
        const std::string name = file.substr(file_start.size(), file.size() - file_start.size() - file_end.size());
        if (!config::is_interface_name(name)) continue;
        const auto client = UnixClient::connect(socket_path(name));
        if (client || kind_of(client.error()) != Kind::not_running) names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
}

Result<Report, DaemonError> ask_for_report(std::string_view name) {
    auto client = UnixClient::connect(socket_path(name));
    if (!client) return refuse(name, client.error());
    const auto line = client->ask(encode({Command::status}), patience);
    if (!line) return refuse(name, line.error());
    const auto json = config::parse(*line);
    auto report = json ? report_from(*json) : std::nullopt;
    if (!report)
        return refuse(Kind::no_answer, std::string(name) + " runs another version of vpn-client: disconnect and connect again");
    return *std::move(report);
}

Result<void, DaemonError> pause_connection(std::string_view name, std::chrono::seconds time) {
    auto client = UnixClient::connect(socket_path(name));
    if (!client) return refuse(name, client.error());
    const auto line = client->ask(encode({Command::pause, time}), patience);
    if (!line) return refuse(name, line.error());
    const auto json = config::parse(*line);
    if (const auto error = json ? json->string_at("error") : std::nullopt)
        return refuse(Kind::no_answer, (time == time.zero() ? "cannot end the pause: " : "cannot pause: ") + std::string(*error));
    if (!json || json->bool_at("paused") != true)
        return refuse(Kind::no_answer, std::string(name) + " runs another version of vpn-client: disconnect and connect again");
    return {};
}

Result<void, DaemonError> end_connection(std::string_view name, Duration limit) {
    auto client = UnixClient::connect(socket_path(name));
    if (!client) return refuse(name, client.error());
    const system::UniqueFd process = handle_of_daemon(*client);
    if (const auto answer = client->ask(encode({Command::disconnect}), patience); !answer) {
        if (!is_errno(answer.error(), ECONNRESET)) return refuse(name, answer.error());
    } else {
        auto closed = client->next_line(limit);
        while (has_timed_out(closed) && runs_a_hook(name)) closed = client->next_line(limit);
        if (has_timed_out(closed))
            return refuse(Kind::no_answer, std::string(name) + " was told to end and has not: see its log");
    }
    if (!wait_for_end(process, limit))
        return refuse(Kind::no_answer, std::string(name) + " put everything back, but its process has not ended");
    return {};
}

} // namespace vpn::client
