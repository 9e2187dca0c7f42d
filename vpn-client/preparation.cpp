#include "vpn-client/preparation.hpp"

#include "common/system/files.hpp"
#include "common/system/process.hpp"
#include "common/system/sysctl.hpp"
#include "vpn-client/daemons.hpp"
#include "vpn-client/dns/present_resolvers.hpp"
#include "vpn-client/dns/resolver_choice.hpp"
#include "vpn-client/endpoints.hpp"
#include "vpn-client/leftovers.hpp"
#include "vpn-client/turn.hpp"

#include <memory>

namespace vpn::client {
namespace {

using system::ExitCode;

constexpr unsigned state_mode = 0700;

template <class Error> tl::unexpected<Refusal> refuse_failure(const Error& error) {
    return refuse(ExitCode::failure, error.message);
}

Granted<void> make_directories() {
    if (auto made = system::ensure_directory(std::string(run_directory), run_mode); !made) return refuse_failure(made.error());
    if (auto made = system::ensure_directory(std::string(state_directory), state_mode); !made)
        return refuse_failure(made.error());
    return {};
}

Granted<system::InstanceLock> take_lock(const std::string& name) {
    auto lock = system::InstanceLock::acquire(std::string(run_directory), lock_name(name));
    if (lock) return std::move(*lock);
    if (!lock.error().held) return refuse_failure(lock.error());
    if (auto ended = lock_of_ended(name)) return std::move(*ended);
    return refuse(ExitCode::failure, name + " is just being connected or disconnected by somebody else: try again in a moment");
}

tl::unexpected<Refusal> refuse_device(const tun::TunError& error) {
    const bool not_allowed = error.kind == tun::TunError::Kind::not_allowed;
    return refuse(not_allowed ? ExitCode::no_permission : ExitCode::failure, error.message);
}

Granted<tun::Sockets> open_sockets(const std::optional<Port>& port, bool offloads) {
    auto sockets = tun::Sockets::open(port.value_or(Port{}), outer_mark, offloads);
    if (sockets) return std::move(*sockets);
    if (is_errno(sockets.error(), EADDRINUSE) && port)
        return refuse(ExitCode::failure,
                      "UDP port " + std::to_string(port->value) +
                          " is taken: somebody else listens there. Change listen_port in the file, or leave it out");
    return refuse_failure(sockets.error());
}

bool speaks_ipv6() {
    const auto all = system::read_sysctl("net/ipv6/conf/all/disable_ipv6");
    const auto ones_to_come = system::read_sysctl("net/ipv6/conf/default/disable_ipv6");
    return all && ones_to_come && *all == "0" && *ones_to_come == "0";
}

/// But for the interface, which is not there yet.
NetworkFacts facts_of(const std::vector<Endpoints>& endpoints, std::uint32_t mtu, Port port, unsigned slot) {
    NetworkFacts facts;
    for (const Endpoints& of_peer : endpoints)
        for (const Endpoint& endpoint : of_peer) facts.endpoints.push_back(endpoint.address);
    facts.outer_mtu = mtu;
    facts.listen_port = port;
    facts.ipv6 = speaks_ipv6();
    facts.slot = slot;
    return facts;
}

/// The name servers and routes that a crash left lead into a tunnel that is no more: names could not be looked up by them. Who
/// waits for a name server meanwhile keeps nobody from his turn.
Granted<void> clean_up_first(system::Netlink& netlink, system::Nftables& nftables, const Waiting& waiting) {
    const auto turn = wait_for_turn([&] { return waiting.stop.asked(); });
    if (!turn) return tl::unexpected(turn.error());
    clean_up_leftovers(netlink, nftables, "");
    return {};
}

/// A lock is for one alone: what another connection sends outside, one of `run` too, would not pass it.
Granted<void> check_locks(system::Nftables& nftables, const ConnectionFile& file) {
    for (const std::string& other : standing_locks(nftables))
        if (other != file.origin.name)
            return refuse(ExitCode::failure,
                          std::string("the lock of ")
                              .append(other)
                              .append(" is shut, and lets no other connection pass. To open it: vpn-client disconnect ")
                              .append(other));
    if (!file.config.interface.lock) return {};
    for (const std::string& other : running_connections())
        if (other != file.origin.name)
            return refuse(ExitCode::failure, std::string("the lock of ")
                                                 .append(file.origin.name)
                                                 .append(" would cut off ")
                                                 .append(other)
                                                 .append(", which is connected. To end that first: vpn-client disconnect ")
                                                 .append(other));
    return {};
}

/// None if the file wants none. One that stands from a former connection of this name stays.
Granted<std::optional<LeakLock>> raise_lock(const ConnectionFile& file, const std::vector<Endpoints>& endpoints) {
    if (!file.config.interface.lock) return std::nullopt;
    Endpoints all;
    for (const Endpoints& of_peer : endpoints) all.insert(all.end(), of_peer.begin(), of_peer.end());
    auto lock = LeakLock::raise(lock_facts(file.config, file.origin.name, std::move(all)));
    if (!lock) return refuse_failure(lock.error());
    return std::optional<LeakLock>(std::move(*lock));
}

/// `tunnels`: its own name servers. `apart`: we leave this network for another one.
Result<Outside> open_outside(const std::vector<IpAddress>& tunnels, bool apart) {
    auto doors = WayWatch::Doors::open();
    if (!doors) return failed(doors.error().message);
    auto opened = system::Netlink::open();
    if (!opened) return failed(opened.error().message);
    const auto door = std::make_shared<system::Netlink>(std::move(*opened));
    auto resolvers = [door, tunnels, before = resolvers_of_machine(*door)] {
        return choose_resolvers(resolvers_of_machine(*door), before, tunnels);
    };
    if (!apart) return Outside{std::move(*doors), std::move(resolvers), std::nullopt};
    auto sockets = system::SocketStock::open();
    if (!sockets) return failed(sockets.error().message);
    return Outside{std::move(*doors), std::move(resolvers), std::move(*sockets)};
}

/// The doors to the kernel lead to the network that they were made in.
Result<void> go_inside(const Enter& enter, system::OsResult<system::Netlink>& netlink, Result<system::Nftables>& nftables) {
    if (auto entered = enter(); !entered) return entered;
    netlink = system::Netlink::open();
    if (!netlink) return failed(netlink.error().message);
    nftables = system::Nftables::open();
    if (!nftables) return failed(nftables.error().message);
    return {};
}

/// That nobody else has what the plan needs.
Result<void> check_kernel(system::Netlink& netlink, const NetworkPlan& plan, const std::vector<Journal>& running) {
    const auto rules = system::list_rules(netlink);
    if (!rules) return failed(rules.error().message);
    const auto routes = system::list_routes(netlink, plan.table());
    if (!routes) return failed(routes.error().message);
    return check_unused(plan, *rules, *routes, running);
}

} // namespace

Granted<Preparation> prepare(ConnectionFile file, const Waiting& waiting, const Enter& enter) {
    if (enter) file.config.interface.lock = false; // there is nothing to lock where the tunnel is the only way out
    if (!system::has_net_admin())
        return refuse(ExitCode::no_permission, "only root (CAP_NET_ADMIN) can make interfaces and routes: run it with sudo");
    auto netlink = system::Netlink::open();
    if (!netlink) return refuse_failure(netlink.error());
    auto nftables = system::Nftables::open();
    if (!nftables) return refuse_failure(nftables.error());
    if (auto tables = nftables->list("list tables"); !tables) return refuse_failure(tables.error());

    const std::string& name = file.origin.name;
    if (auto made = make_directories(); !made) return tl::unexpected(std::move(made.error()));
    if (auto clean = clean_up_first(*netlink, *nftables, waiting); !clean) return tl::unexpected(std::move(clean.error()));
    auto whereabouts = find_endpoints(file, *netlink, waiting);
    if (!whereabouts) return tl::unexpected(std::move(whereabouts.error()));
    const std::vector<Endpoints>& endpoints = whereabouts->of_peers;
    auto turn = wait_for_turn([&] { return waiting.stop.asked(); });
    if (!turn) return tl::unexpected(std::move(turn.error()));
    auto lock = take_lock(name);
    if (!lock) return tl::unexpected(std::move(lock.error()));
    auto listener = system::UnixListener::listen(socket_path(name));
    if (!listener) return refuse_failure(listener.error());

    const std::vector<Journal> running = clean_up_leftovers(*netlink, *nftables, name);
    const auto slot = free_slot(running);
    if (!slot) return refuse(ExitCode::failure, "there are too many connections: disconnect one first");
    if (auto free = check_locks(*nftables, file); !free) return tl::unexpected(std::move(free.error()));
    auto sockets = open_sockets(file.config.interface.listen_port, file.config.interface.offloads);
    if (!sockets) return tl::unexpected(std::move(sockets.error()));
    NetworkFacts facts = facts_of(endpoints, outer_mtu(*netlink, endpoints), sockets->port(), *slot);
    const auto plan = [&] { return enter ? plan_apart(file.config, facts) : plan_network(file.config, facts); };
    if (auto unused = check_kernel(*netlink, plan(), running); !unused) return refuse_failure(unused.error());
    auto outside = open_outside(file.config.interface.dns, enter != nullptr);
    if (!outside) return refuse_failure(outside.error());
    if (enter)
        if (auto inside = go_inside(enter, netlink, nftables); !inside) return refuse_failure(inside.error());
    if (const auto possible = tun::TunDevice::check(file.config.interface.name); !possible)
        return refuse_device(possible.error());

    // From here on the machine is changed: the lock first, so that there is never an interface without it.
    auto leak_lock = raise_lock(file, endpoints);
    if (!leak_lock) return tl::unexpected(std::move(leak_lock.error()));
    auto device = tun::TunDevice::open(file.config.interface.name, file.config.interface.offloads);
    if (!device) return refuse_device(device.error());
    Inside inside{InsideSockets::open(device->name()), InsideSockets::open(device->name()), EchoListener::open()};
    facts.interface = device->index();
    facts.ipv6 = speaks_ipv6(); // of where we are now
    NetworkPlan made = plan();
    DnsPlan dns = enter ? DnsPlan{} : plan_dns(file.config, speaks_ipv6()); // a program apart has a resolv.conf of its own
    return Preparation{std::move(file),
                       std::move(*listener),
                       std::move(*lock),
                       std::move(*turn),
                       std::move(whereabouts->of_peers),
                       std::move(whereabouts->of_servers),
                       std::move(*leak_lock),
                       std::move(*device),
                       std::move(*sockets),
                       std::move(*netlink),
                       std::move(*nftables),
                       std::move(made),
                       std::move(dns),
                       std::move(*outside),
                       std::move(inside),
                       running,
                       waiting.limit};
}

} // namespace vpn::client
