// What a person means by FILE|NAME, and where the things of a connection are kept (EXPERIENCE, "Commands").
// Refuses to know: what is in them.
#pragma once

#include "vpn-client/refusal.hpp"

#include <set>
#include <string>
#include <string_view>

namespace vpn::client {

inline constexpr std::string_view connection_directory = "/etc/vpn";
inline constexpr std::string_view run_directory = "/run/vpn";
inline constexpr unsigned run_mode = 0755;
inline constexpr std::string_view state_directory = "/var/lib/vpn";

/// A connection as it was named at the prompt.
struct ConnectionName {
    /// Also its interface's, unless its file says otherwise.
    std::string name;
    /// Of its configuration.
    std::string path;

    friend bool operator==(const ConnectionName&, const ConnectionName&) = default;
};

/// With a `/`, or ending in `.json` or `.conf`, it is a file, and its stem the name; else it is the name of /etc/vpn/NAME.json.
/// Errors: usage if it can be no name; bad_configuration if a file's stem can't.
Granted<ConnectionName> parse_connection_name(std::string_view argument);

/// The connection of which a file speaks that is there while it is up, or has crashed; empty if none.
std::string connection_of(std::string_view file);
/// Those that have such a file, in order.
std::set<std::string> connections_with_files();

/// `/run/vpn/client-NAME.sock`
std::string socket_path(std::string_view name);
/// `/run/vpn/client-NAME.journal`
std::string journal_path(std::string_view name);
/// `/var/lib/vpn/client-NAME.timestamps`
std::string timestamps_path(std::string_view name);
/// `client-NAME`, whose lock in the run directory its daemon holds.
std::string lock_name(std::string_view name);

} // namespace vpn::client
