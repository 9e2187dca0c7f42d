#include "vpn-client/endpoints.hpp"

#include "common/system/clocks.hpp"
#include "common/system/link.hpp"
#include "common/system/marked_lookup.hpp"
#include "common/system/progress.hpp"
#include "common/system/resolver.hpp"
#include "common/system/route.hpp"
#include "vpn-client/diagnosis.hpp"
#include "vpn-client/dns/present_resolvers.hpp"
#include "vpn-client/dns/resolver_choice.hpp"
#include "vpn-client/leak_lock.hpp"

#include <poll.h>

#include <algorithm>
#include <array>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;
using system::ExitCode;

constexpr Duration longest_lookup = 20s;
constexpr Duration pause_between_attempts = 2s;

enum class Waited : std::uint8_t { ready, too_long, stopped };

/// For `fd` to be readable; -1 for nothing but the limit's end.
Waited wait_for(int fd, Duration limit, const StopSignal& stop) {
    std::array<pollfd, 2> watched{pollfd{stop.fd(), POLLIN, 0}, pollfd{fd, POLLIN, 0}};
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
    while (::poll(watched.data(), watched.size(), static_cast<int>(std::min<long long>(milliseconds, 1'000'000'000))) < 0) {
    }
    if (watched[0].revents != 0) return Waited::stopped;
    return watched[1].revents != 0 ? Waited::ready : Waited::too_long;
}

tl::unexpected<Refusal> interrupted() { return refuse(ExitCode::failure, "interrupted: nothing was changed"); }

/// None: not within the limit.
Granted<std::optional<system::Resolved>> ask_machine(const config::HostPort& server, Duration limit, const StopSignal& stop) {
    system::Lookup lookup(server.host, server.port);
    const Waited waited = wait_for(lookup.fd(), limit, stop);
    if (waited == Waited::stopped) return interrupted();
    return waited == Waited::ready ? std::optional(lookup.take()) : std::nullopt;
}

/// The same where a lock that stands lets nobody ask but us, for this moment.
Granted<std::optional<system::Resolved>> ask_past_lock(const config::HostPort& server, const std::vector<Resolver>& resolvers,
                                                       Duration limit, const StopSignal& stop) {
    system::MarkedLookup lookup(server.host, server.port, resolvers, outer_mark);
    const Boot end = system::now().boot + limit;
    for (Duration left = limit; left > Duration::zero(); left = end - system::now().boot) {
        const Waited waited = wait_for(lookup.fd(), left, stop);
        if (waited == Waited::stopped) return interrupted();
        if (auto answer = lookup.handle_events()) return answer;
    }
    return std::nullopt;
}

/// If the connection's own lock stands, this machine's name servers are let through, and are to be asked by marked sockets. None:
/// no lock stands.
std::optional<std::vector<Resolver>> open_lock_for_names(system::Netlink& netlink, const std::string& connection,
                                                         Duration limit) {
    auto nftables = system::Nftables::open();
    if (!nftables || !lock_stands(*nftables, connection)) return std::nullopt;
    auto resolvers = choose_resolvers(resolvers_of_machine(netlink), {}, {});
    admit_resolvers(*nftables, connection, resolvers, limit);
    return resolvers;
}

void close_lock_for_names(const std::string& connection) {
    if (auto nftables = system::Nftables::open()) dismiss_resolvers(*nftables, connection);
}

Granted<Endpoints> resolve(system::Netlink& netlink, const std::string& connection, const config::HostPort& server,
                           const Waiting& waiting) {
    if (const auto literal = server.literal()) return Endpoints{*literal};
    const Duration limit = waiting.limit == Duration::zero() ? longest_lookup : std::min(waiting.limit, longest_lookup);
    const system::Progress progress("looking up " + server.host);
    const auto past_lock = open_lock_for_names(netlink, connection, limit);
    auto answer = past_lock ? ask_past_lock(server, *past_lock, limit, waiting.stop) : ask_machine(server, limit, waiting.stop);
    if (past_lock) close_lock_for_names(connection);
    if (!answer) return tl::unexpected(std::move(answer.error()));
    std::string trouble = "this machine's resolvers did not answer in time";
    if (*answer) {
        if (**answer) return std::move(***answer);
        trouble = (*answer)->error().message;
    }
    Evidence evidence;
    evidence.server = server.to_string();
    return refuse(Reason::name_not_resolved,
                  explanation(Reason::name_not_resolved, evidence) + "\n  What the look-up said: " + trouble + ".");
}

/// Those that the machine has a way to.
Granted<Endpoints> with_a_way(system::Netlink& netlink, const config::HostPort& server, const Endpoints& endpoints) {
    Endpoints reachable;
    std::string trouble;
    for (const Endpoint& endpoint : endpoints) {
        const auto route = system::route_to(netlink, endpoint.address, outer_mark);
        if (route)
            reachable.push_back(endpoint);
        else
            trouble = route.error().message;
    }
    if (!reachable.empty()) return reachable;
    Evidence evidence;
    evidence.server = server.to_string();
    evidence.endpoint = endpoints.front().to_string();
    return refuse(Reason::no_route, explanation(Reason::no_route, evidence) + "\n  What the kernel said: " + trouble + ".");
}

Granted<Endpoints> find(system::Netlink& netlink, const std::string& connection, const config::HostPort& server,
                        const Waiting& waiting) {
    auto resolved = resolve(netlink, connection, server, waiting);
    if (!resolved) return resolved;
    return with_a_way(netlink, server, *resolved);
}

/// A peer's servers, one after the other.
class Finder {
  public:
    Finder(ConnectionFile& file, system::Netlink& netlink, const Waiting& waiting)
        : file_(file), netlink_(netlink), waiting_(waiting) {}

    /// Errors: the first server's, if none can be reached; failure if interrupted.
    Granted<std::vector<Endpoints>> find(const config::ClientPeer& peer) {
        std::vector<Endpoints> found;
        std::optional<Refusal> first;
        std::vector<std::string> notes;
        for (const config::HostPort& server : servers_of(peer)) {
            auto endpoints = client::find(netlink_, file_.origin.name, server, waiting_);
            if (!endpoints && !endpoints.error().reason) return tl::unexpected(std::move(endpoints.error()));
            found.push_back(endpoints ? std::move(*endpoints) : Endpoints());
            if (endpoints) continue;
            if (!first) first = endpoints.error();
            notes.push_back("warning: one of the servers can't be reached now: " + endpoints.error().message);
        }
        if (std::ranges::all_of(found, &Endpoints::empty)) return tl::unexpected(std::move(*first));
        file_.notes.insert(file_.notes.end(), notes.begin(), notes.end());
        return found;
    }

    /// With a limit of for ever, it is tried again until it works.
    Granted<std::vector<Endpoints>> find_patiently(const config::ClientPeer& peer) {
        for (;;) {
            auto found = find(peer);
            if (found || !found.error().reason || waiting_.limit != Duration::zero()) return found;
            if (wait_for(-1, pause_between_attempts, waiting_.stop) == Waited::stopped) return interrupted();
        }
    }

  private:
    ConnectionFile& file_;
    system::Netlink& netlink_;
    const Waiting& waiting_;
};

Endpoints joined(const std::vector<Endpoints>& of_servers) {
    Endpoints all;
    for (const Endpoints& each : of_servers)
        for (const Endpoint& endpoint : each)
            if (std::ranges::find(all, endpoint) == all.end()) all.push_back(endpoint);
    return all;
}

/// An address that no way leads to yet is one all the same: in another network there may be one, and nobody is asked for it.
void add_literals(const config::ClientPeer& peer, std::vector<Endpoints>& of_servers) {
    const auto servers = servers_of(peer);
    for (std::size_t i = 0; i < servers.size(); ++i)
        if (const auto literal = servers[i].literal(); literal && of_servers[i].empty()) of_servers[i] = {*literal};
}

} // namespace

std::vector<config::HostPort> servers_of(const config::ClientPeer& peer) {
    std::vector<config::HostPort> servers;
    if (peer.endpoint) servers.push_back(*peer.endpoint);
    servers.insert(servers.end(), peer.more_endpoints.begin(), peer.more_endpoints.end());
    return servers;
}

Granted<Whereabouts> find_endpoints(ConnectionFile& file, system::Netlink& netlink, const Waiting& waiting) {
    Whereabouts whereabouts;
    Finder finder(file, netlink, waiting);
    const config::ClientPeer& main = main_peer(file.config);
    for (const config::ClientPeer& peer : file.config.peers) {
        whereabouts.of_peers.emplace_back();
        whereabouts.of_servers.emplace_back(servers_of(peer).size());
        if (!peer.endpoint) continue;
        auto found = &peer == &main ? finder.find_patiently(peer) : finder.find(peer);
        if (found) {
            whereabouts.of_peers.back() = joined(*found);
            whereabouts.of_servers.back() = std::move(*found);
        } else if (&peer == &main || !found.error().reason) {
            return tl::unexpected(std::move(found.error()));
        } else {
            file.notes.push_back("warning: one of the peers can't be reached now: " + found.error().message);
        }
        add_literals(peer, whereabouts.of_servers.back());
    }
    return whereabouts;
}

std::uint32_t outer_mtu(system::Netlink& netlink, const std::vector<Endpoints>& endpoints) {
    std::optional<std::uint32_t> smallest;
    for (const Endpoints& of_peer : endpoints) {
        for (const Endpoint& endpoint : of_peer) {
            const auto route = system::route_to(netlink, endpoint.address, outer_mark);
            const auto link = route ? system::find_link(netlink, route->interface) : tl::unexpected(route.error());
            if (link && link->mtu > 0) smallest = std::min(smallest.value_or(link->mtu), link->mtu);
        }
    }
    return smallest.value_or(1500);
}

std::uint32_t link_mtu_to(const Endpoint& endpoint) {
    auto netlink = system::Netlink::open();
    return netlink ? outer_mtu(*netlink, {{endpoint}}) : 1500;
}

} // namespace vpn::client
