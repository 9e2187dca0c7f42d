#include "vpn-client/pause.hpp"

#include "common/system/terminal.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/control_messages.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/what_is_there.hpp"

#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

/// Where the daemon is dead, its lock may still stand.
Granted<void> pause_without_daemon(const std::string& name, std::chrono::seconds time, const DaemonError& why) {
    auto nftables = system::Nftables::open();
    if (!nftables || !lock_stands(*nftables, name)) return refuse(code_of(why), why.message);
    if (auto paused = pause_lock(*nftables, name, time); !paused) return refuse(ExitCode::failure, paused.error().message);
    return {};
}

} // namespace

ExitCode pause(const PauseCommand& command) {
    const auto time = std::chrono::ceil<std::chrono::seconds>(command.time);
    if (time > longest_pause)
        return complain({ExitCode::usage, "a pause is at most 24 hours: to go without the tunnel, disconnect", std::nullopt});
    const auto name = named_or_only(command.name);
    if (!name) return complain(name.error());
    if (const auto paused = pause_connection(*name, time); !paused) {
        if (paused.error().kind != DaemonError::Kind::not_running)
            return complain({code_of(paused.error()), paused.error().message, std::nullopt});
        if (const auto done = pause_without_daemon(*name, time, paused.error()); !done) return complain(done.error());
    }
    if (time == time.zero())
        std::cout << *name << ": the pause is over\n";
    else
        std::cout << "paused: " << *name << " for " << system::format_duration(time)
                  << "; everything goes past the tunnel until then. To end it now: vpn-client pause 0 " << *name << '\n';
    return ExitCode::ok;
}

} // namespace vpn::client
