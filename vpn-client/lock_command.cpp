#include "vpn-client/lock_command.hpp"

#include "common/system/process.hpp"
#include "vpn-client/complaint.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/endpoints.hpp"
#include "vpn-client/leak_lock.hpp"

#include <iostream>

namespace vpn::client {
namespace {

using system::ExitCode;

/// Those that need no resolver: names are looked up by `connect`.
std::vector<Endpoint> known_endpoints(const config::ClientConfig& config) {
    std::vector<Endpoint> endpoints;
    for (const config::ClientPeer& peer : config.peers) {
        for (const config::HostPort& server : servers_of(peer))
            if (const auto endpoint = server.literal()) endpoints.push_back(*endpoint);
    }
    return endpoints;
}

} // namespace

ExitCode lock(const LockCommand& command) {
    const auto name = parse_connection_name(command.target);
    if (!name) return complain(name.error());
    static_cast<void>(system::protect_memory());
    auto file = load_connection(*name);
    if (!file) return complain(file.error());
    file->config.interface.lock = true;
    if (!system::has_net_admin())
        return complain({ExitCode::no_permission, "only root (CAP_NET_ADMIN) can shut a lock: run it with sudo", std::nullopt});
    auto nftables = system::Nftables::open();
    if (!nftables) return complain({ExitCode::failure, nftables.error().message, std::nullopt});
    const bool stands = lock_stands(*nftables, name->name);
    if (!stands) {
        auto raised = LeakLock::raise(lock_facts(file->config, name->name, known_endpoints(file->config)));
        if (!raised) return complain({ExitCode::failure, raised.error().message, std::nullopt});
        raised->hold();
    }
    std::cout << (stands ? "already locked: " : "locked: ") << name->name << "; only `vpn-client disconnect " << name->name
              << "` opens it\n";
    return ExitCode::ok;
}

} // namespace vpn::client
