#include "vpn-client/recover.hpp"

#include "common/system/process.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/leftovers.hpp"

#include <algorithm>
#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

bool runs(const std::vector<Journal>& running, const std::string& name) {
    return std::ranges::find(running, name, &Journal::name) != running.end();
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

    const std::vector<Journal> all = read_journals();
    const std::vector<Journal> running = clean_up_leftovers(*netlink, *nftables, "");
    std::size_t crashed = 0;
    for (const Journal& journal : all) {
        if (runs(running, journal.name)) continue;
        ++crashed;
        std::cout << "recovered: what a crash of " << journal.name << " had left was taken back\n";
    }
    if (crashed == 0) std::cout << "nothing to recover\n";
    for (const std::string& name : standing_locks(*nftables))
        if (!runs(running, name))
            std::cout << "the lock of " << name << " stays shut, on purpose. To open it: vpn-client disconnect " << name << '\n';
    return ExitCode::ok;
}

} // namespace vpn::client
