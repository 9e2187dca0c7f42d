#include "vpn-client/recover.hpp"

#include "common/system/process.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/leftovers.hpp"
#include "vpn-client/turn.hpp"

#include <algorithm>
#include <filesystem>
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

    std::optional<system::InstanceLock> turn;
    if (std::filesystem::exists(run_directory)) { // else there is nothing but locks
        auto taken = wait_for_turn();
        if (!taken) return complain(taken.error());
        turn = std::move(*taken);
    }

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
