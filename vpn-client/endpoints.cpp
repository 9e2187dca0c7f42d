#include "vpn-client/endpoints.hpp"

#include "common/system/link.hpp"
#include "common/system/resolver.hpp"
#include "common/system/route.hpp"
#include "vpn-client/diagnosis.hpp"

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

Granted<Endpoints> resolve(const config::HostPort& server, const Waiting& waiting) {
    if (const auto literal = server.literal()) return Endpoints{*literal};
    system::Lookup lookup(server.host, server.port);
    const Duration limit = waiting.limit == Duration::zero() ? longest_lookup : std::min(waiting.limit, longest_lookup);
    const Waited waited = wait_for(lookup.fd(), limit, waiting.stop);
    if (waited == Waited::stopped) return interrupted();
    std::string trouble = "this machine's resolvers did not answer in time";
    if (waited == Waited::ready) {
        auto resolved = lookup.take();
        if (resolved) return std::move(*resolved);
        trouble = resolved.error().message;
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

Granted<Endpoints> find(system::Netlink& netlink, const config::HostPort& server, const Waiting& waiting) {
    auto resolved = resolve(server, waiting);
    if (!resolved) return resolved;
    return with_a_way(netlink, server, *resolved);
}

/// With a limit of for ever, it is tried again until it works.
Granted<Endpoints> find_patiently(system::Netlink& netlink, const config::HostPort& server, const Waiting& waiting) {
    for (;;) {
        auto found = find(netlink, server, waiting);
        if (found || !found.error().reason || waiting.limit != Duration::zero()) return found;
        if (wait_for(-1, pause_between_attempts, waiting.stop) == Waited::stopped) return interrupted();
    }
}

} // namespace

Granted<std::vector<Endpoints>> find_endpoints(ConnectionFile& file, system::Netlink& netlink, const Waiting& waiting) {
    std::vector<Endpoints> all;
    const config::ClientPeer& main = main_peer(file.config);
    for (const config::ClientPeer& peer : file.config.peers) {
        all.emplace_back();
        if (!peer.endpoint) continue;
        auto found = &peer == &main ? find_patiently(netlink, *peer.endpoint, waiting) : find(netlink, *peer.endpoint, waiting);
        if (found) {
            all.back() = std::move(*found);
        } else if (&peer == &main || !found.error().reason) {
            return tl::unexpected(std::move(found.error()));
        } else {
            file.notes.push_back("warning: one of the peers can't be reached now: " + found.error().message);
        }
    }
    return all;
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
