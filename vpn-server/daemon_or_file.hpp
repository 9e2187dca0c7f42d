// A change of the server's file: the daemon's, the only writer of it while it runs, or else the command's, with others locked
// out. Refuses to know: what is changed.
#pragma once

#include "common/system/progress.hpp"
#include "vpn-server/config_file.hpp"
#include "vpn-server/door.hpp"

namespace vpn::server {

/// Asks the daemon, or does `otherwise` while none can start.
template <class Otherwise> Answer daemon_or(const std::string& config_file, const Request& request, Otherwise otherwise) {
    const system::Progress progress("changing " + config_file);
    auto door = Door::find(config_file);
    if (!door) return tl::unexpected(std::move(door.error()));
    if (*door) return (*door)->ask(request);
    auto lock = EditLock::take(config_file);
    if (lock) {
        door = Door::find(config_file); // one that was starting when we first looked
        if (!door) return tl::unexpected(std::move(door.error()));
        if (*door) {
            lock->release();
            return (*door)->ask(request);
        }
    }
    return otherwise(); // without the lock there is no such directory, and reading the file says so
}

} // namespace vpn::server
