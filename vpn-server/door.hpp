// A command's way to the daemon that runs by the same file.
// Refuses to know: what is asked.
#pragma once

#include "common/system/unix_socket.hpp"
#include "vpn-server/request.hpp"

#include <optional>
#include <string>

namespace vpn::server {

class Door {
  public:
    /// The daemon that runs by `config_file`, whatever its interface is called; none if there is none.
    /// Errors: no_permission if we may not ask.
    static CommandResult<std::optional<Door>> find(const std::string& config_file);

    /// Waits for the answer at most half a minute.
    Answer ask(const Request& request);

  private:
    explicit Door(system::UnixClient client) : client_(std::move(client)) {}

    system::UnixClient client_;
};

/// For commands that only a daemon can carry out. Errors: not_running.
CommandResult<Door> need_daemon(const std::string& config_file);

} // namespace vpn::server
