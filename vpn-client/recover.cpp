#include "vpn-client/recover.hpp"

#include "common/system/files.hpp"
#include "common/system/process.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/leftovers.hpp"
#include "vpn-client/turn.hpp"

#include <algorithm>
#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

} // namespace

ExitCode recover(const RecoverCommand&) {
    if (!system::has_net_admin())
        return complain(
            {ExitCode::no_permission, "only root (CAP_NET_ADMIN) can put routes and rules back: run it with sudo", {}});
    auto netlink = system::Netlink::open();
    if (!netlink) return complain({ExitCode::failure, netlink.error().message, {}});
    auto nftables = system::Nftables::open();
    if (!nftables) return complain({ExitCode::failure, nftables.error().message, {}});

    // After a restart of the machine there may be no such directory yet, and what lies in /var/lib to be taken back all the same.
    if (auto made = system::ensure_directory(std::string(run_directory), run_mode); !made)
        return complain({ExitCode::failure, made.error().message, {}});
    const auto turn = wait_for_turn();
    if (!turn) return complain(turn.error());

    const std::set<std::string> known = connections_with_files();
    clean_up_leftovers(*netlink, *nftables, "");
    const std::vector<std::string> running = running_connections();
    bool nothing = true;
    for (const std::string& name : known) {
        if (holds(running, name)) continue;
        nothing = false;
        std::cout << "recovered: what a crash of " << name << " had left was taken back\n";
    }
    if (nothing) std::cout << "nothing to recover\n";
    for (const std::string& name : standing_locks(*nftables))
        if (!holds(running, name))
            std::cout << "the lock of " << name << " stays shut, on purpose. To open it: vpn-client disconnect " << name << '\n';
    return ExitCode::ok;
}

} // namespace vpn::client
