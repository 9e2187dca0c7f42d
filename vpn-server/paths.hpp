// Where the server keeps its things (EXPERIENCE, "Commands").
// Refuses to know: what is in them.
#pragma once

#include <string>
#include <string_view>

namespace vpn::server {

inline constexpr std::string_view default_config_file = "/etc/vpn/server.json";
inline constexpr std::string_view run_directory = "/run/vpn";
inline constexpr std::string_view state_directory = "/var/lib/vpn";

/// What the daemon of an interface is called in file names: `server-vpns`.
inline std::string instance_name(std::string_view interface) { return "server-" + std::string(interface); }

inline std::string run_path(std::string_view interface, std::string_view suffix) {
    return std::string(run_directory) + '/' + instance_name(interface) + std::string(suffix);
}

/// The control socket.
inline std::string socket_path(std::string_view interface) { return run_path(interface, ".sock"); }
/// What the kernel's switches were before the daemon turned them.
inline std::string restore_path(std::string_view interface) { return run_path(interface, ".restore.json"); }

inline std::string timestamps_path(std::string_view interface) {
    return std::string(state_directory) + '/' + instance_name(interface) + ".timestamps";
}

/// Where peers were seen last.
inline std::string whereabouts_path(std::string_view interface) {
    return std::string(state_directory) + '/' + instance_name(interface) + ".endpoints";
}

/// What peers with a quota have used.
inline std::string usage_path(std::string_view interface) {
    return std::string(state_directory) + '/' + instance_name(interface) + ".usage";
}

} // namespace vpn::server
