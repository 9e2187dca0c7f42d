#include "vpn-client/disconnect.hpp"

#include "common/system/files.hpp"
#include "common/system/process.hpp"
#include "common/system/progress.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/leftovers.hpp"
#include "vpn-client/what_is_there.hpp"

#include <chrono>
#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

constexpr std::chrono::seconds patience{15};

Result<void, DaemonError> end(const std::string& name) {
    const system::Progress progress("waiting for " + name + " to put everything back");
    return end_connection(name, patience);
}

/// What a crash left of it, its lock too. False if there was nothing.
Granted<bool> clean_up_behind(const std::string& name) {
    const system::Progress progress("putting back what is left of " + name);
    auto netlink = system::Netlink::open();
    auto nftables = system::Nftables::open();
    if (!netlink || !nftables || !system::has_net_admin()) return false;
    const bool crashed = connections_with_files().contains(name); // our own lock will be one
    if (crashed)
        static_cast<void>(system::ensure_directory(std::string(run_directory), run_mode)); // gone in a restart of the machine
    const auto lock = lock_of_ended(name);
    if (!lock) return false;
    if (crashed) {
        clean_up_leftovers(*netlink, *nftables, name);
        static_cast<void>(system::remove_file(socket_path(name))); // nobody listens there any more
    }
    if (!lock_stands(*nftables, name)) return crashed;
    if (auto lowered = lower_lock(*nftables, name); !lowered) return refuse(ExitCode::failure, lowered.error().message);
    return true;
}

} // namespace

ExitCode disconnect(const DisconnectCommand& command) {
    const auto name = named_or_only(command.name);
    if (!name) return complain(name.error());
    const auto ended = end(*name);
    if (!ended && ended.error().kind != DaemonError::Kind::not_running)
        return complain({code_of(ended.error()), ended.error().message, std::nullopt});
    const auto cleaned = clean_up_behind(*name);
    if (!cleaned) return complain(cleaned.error());
    if (!ended && !*cleaned) return complain({code_of(ended.error()), ended.error().message, std::nullopt});
    // One that is killed takes a call for a moment still: what it left tells more than whether it could be asked.
    std::cout << "disconnected: " << *name << (*cleaned ? " (it had crashed; what it left was put back)" : "") << '\n';
    return ExitCode::ok;
}

} // namespace vpn::client
