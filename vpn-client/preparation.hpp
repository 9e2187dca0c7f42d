// Everything that a connection needs and that can go wrong, before anything on the machine is changed: a refusal here leaves no
// trace. THREATS: "a distinct error before anything is changed".
#pragma once

#include "common/system/instance_lock.hpp"
#include "common/system/netlink.hpp"
#include "common/system/nftables.hpp"
#include "common/system/unix_socket.hpp"
#include "tun/packet_loops.hpp"
#include "vpn-client/connection_file.hpp"
#include "vpn-client/dns/dns_plan.hpp"
#include "vpn-client/inside.hpp"
#include "vpn-client/journal.hpp"
#include "vpn-client/leak_lock.hpp"
#include "vpn-client/network_plan.hpp"
#include "vpn-client/outside.hpp"
#include "vpn-client/refusal.hpp"
#include "vpn-client/stop_signal.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace vpn::client {

/// Where a peer may be found, the best first; empty if it has no endpoint of its own.
using Endpoints = std::vector<Endpoint>;

struct Preparation {
    ConnectionFile file;
    system::UnixListener listener; ///< goes after the lock, so that who waits for its end finds the name free
    system::InstanceLock lock;
    system::InstanceLock turn;                   ///< of those that look at the machine and change it: let it go when that is done
    std::vector<Endpoints> endpoints;            ///< for each peer
    std::vector<std::vector<Endpoints>> servers; ///< for each peer, for each of its servers
    std::optional<LeakLock> leak_lock;           ///< up before the interface, if the file wants one
    tun::TunDevice device;
    tun::Sockets sockets;
    system::Netlink netlink;
    system::Nftables nftables;
    NetworkPlan plan;
    DnsPlan dns;
    Outside outside;
    Inside inside;
    std::vector<Journal> running; ///< of the other connections
    Duration limit;               ///< how long somebody waits for the tunnel to work; zero: for ever
};

/// Zero waits for ever.
struct Waiting {
    Duration limit;
    const StopSignal& stop;
};

/// Goes into the network namespace where the interface is to be.
using Enter = std::function<Result<void>()>;

/// Resolves names within the limit, asks for the way there, takes what must be ours alone, and makes the plan. Leftovers of a
/// crash are taken back by the way. With `enter`, all but the UDP sockets is made where that leads, and the plan is one apart.
Granted<Preparation> prepare(ConnectionFile file, const Waiting& waiting, const Enter& enter = {});

} // namespace vpn::client
