#include "vpn-client/roaming.hpp"

#include "common/system/clocks.hpp"

#include <algorithm>
#include <utility>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

/// Between two looks for peers that nobody knows where to find.
constexpr Duration between_looks = PeerSearch::overdue_after;
/// Until what memory did not suffice for is tried again.
constexpr Duration breath = 1s;

std::vector<config::HostPort> names_of(const Roaming::Parts& parts) {
    std::vector<config::HostPort> names;
    for (const Roaming::Sought& sought : parts.peers)
        for (const config::HostPort& each : sought.search.servers())
            if (!each.literal()) names.push_back(each);
    return names;
}

} // namespace

Roaming::Roaming(boost::asio::io_context& loop, Parts parts, Surroundings surroundings, const system::Logger& log)
    : parts_(std::move(parts)), engine_(surroundings.engine), plan_(surroundings.plan), lock_(surroundings.lock),
      moved_(std::move(surroundings.moved)), log_(log),
      lookups_(loop, {std::move(parts_.outside.resolvers), std::move(parts_.outside.sockets), lock_}, names_of(parts_),
               [this](const config::HostPort& name, const system::Resolved& answer) { hear(name, answer); }),
      due_(loop, [this] { handle_time(); }), ask_(loop, [this] { lookups_.ask(std::exchange(missed_, {})); }),
      anew_(loop, [this] { look_up_wanted(); }), follow_(loop, [this] { follow_candidates(); }),
      lost_(loop, [this] { look_for_the_lost(); }),
      ways_(loop, std::move(parts_.outside.doors),
            {.destinations = [this] { return destinations(); },
             .changed = [this](const IpAddress& destination) { handle_new_way(destination); },
             .looked = [this] { handle_lost_ways(); }}),
      wake_(loop, [this](std::string_view by) { handle_wake(by); }) {
    if (parts_.peers.size() > 1) lost_.set_in(between_looks);
    if (!names_of(parts_).empty()) resolver_watch_.emplace(loop, [this] { handle_new_resolvers(); });
}

Roaming::~Roaming() = default;

Roaming::Sought* Roaming::find(protocol::PeerId peer) {
    const auto found = std::ranges::find(parts_.peers, peer, &Sought::id);
    return found == parts_.peers.end() ? nullptr : &*found;
}

std::vector<Endpoint> Roaming::candidates() const {
    const auto main = std::ranges::find(parts_.peers, parts_.main, &Sought::id);
    return main == parts_.peers.end() ? std::vector<Endpoint>() : main->search.book().all();
}

bool Roaming::is_wanted(const tun::PeerStatus& peer) const {
    return peer.id == parts_.main || peer.can_send || peer.persistent_keepalive != 0s || peer.attempt.under_way;
}

bool Roaming::is_settled(const Sought& sought, const tun::PeerStatus& peer) {
    return sought.search.is_settled(peer.last_handshake ? std::optional(peer.last_handshake->boot) : std::nullopt,
                                    system::now().boot);
}

// --- the machine moves -------------------------------------------------------------------------------------------------------

std::vector<IpAddress> Roaming::destinations() const {
    std::vector<IpAddress> all;
    for (const Sought& sought : parts_.peers)
        for (const Endpoint& each : sought.search.book().all()) all.push_back(each.address);
    for (const tun::PeerStatus& peer : engine_.peers())
        if (peer.endpoint) all.push_back(peer.endpoint->address);
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

void Roaming::handle_new_way(const IpAddress& destination) {
    log_.info("network-changed", {{"connection", parts_.name}, {"way-to", destination}});
    for (Sought& each : parts_.peers) {
        const auto endpoint = status_of(each).endpoint;
        if (endpoint && endpoint->address == destination) begin_handshake(each);
    }
    for (const Sought& each : parts_.peers) {
        const auto endpoint = status_of(each).endpoint;
        if (!endpoint || endpoint->address == destination) look_up_soon(each);
    }
}

/// Where no way leads any more to where a peer was, another address of it may be within reach.
void Roaming::handle_lost_ways() {
    for (Sought& each : parts_.peers) {
        const auto endpoint = status_of(each).endpoint;
        if (endpoint && ways_.leads_to(endpoint->address)) continue;
        const auto all = each.search.book().all();
        const auto other = std::ranges::find_if(all, [this](const Endpoint& to) { return fits(to); });
        if (other == all.end()) continue;
        const bool asked = status_of(each).attempt.under_way;
        move_to(each, *other);
        if (asked) begin_handshake(each); // it has all its time again
        look_up_soon(each);
    }
}

void Roaming::handle_wake(std::string_view by) {
    log_.info("woke", {{"connection", parts_.name}, {"by", by}});
    for (Sought& each : parts_.peers) begin_handshake(each);
    for (const Sought& each : parts_.peers) {
        const tun::PeerStatus peer = status_of(each);
        if (!peer.endpoint || is_wanted(peer)) look_up_soon(each);
    }
}

/// By whatever way there is now. To a peer that nobody wants nothing is sent.
void Roaming::begin_handshake(Sought& sought) {
    sought.search.handle_new_way();
    if (is_wanted(status_of(sought))) engine_.handle_new_way(sought.id);
}

// --- a peer answers, or does not ---------------------------------------------------------------------------------------------

void Roaming::handle_initiation_sent(protocol::PeerId peer) {
    Sought* const sought = find(peer);
    if (sought == nullptr) return;
    const tun::PeerStatus status = status_of(*sought);
    sought->search.handle_initiation(status.endpoint.value_or(Endpoint()), status.attempt.initiations, system::now().boot);
    follow_deadlines();
    // There is something to send to it, and it has not been heard for long, or does not answer. In a moment: other peers'
    // initiations come first.
    if (!is_settled(*sought, status)) miss(*sought);
}

void Roaming::follow_deadlines() {
    std::optional<Boot> first;
    for (const Sought& each : parts_.peers)
        if (const auto next = each.search.next_deadline()) first = std::min(first.value_or(*next), *next);
    if (first)
        due_.set_in(*first - system::now().boot);
    else
        due_.clear();
}

void Roaming::handle_time() {
    due_.set_in(breath); // first: the others are raced, whatever memory there is
    const auto may_be_asked = [this](const Endpoint& each) { return fits(each); };
    for (Sought& each : parts_.peers) {
        if (const auto next = each.search.take_raced(system::now().boot, may_be_asked)) race(each, *next);
        if (each.search.take_silence(system::now().boot)) handle_silence(each);
    }
    follow_deadlines();
}

void Roaming::race(const Sought& sought, const Endpoint& next) {
    log_.debug("endpoint-raced", {{"connection", parts_.name}, {"endpoint", next}});
    engine_.send_initiation_also_to(sought.id, next);
}

void Roaming::handle_handshake(protocol::PeerId peer) {
    Sought* const sought = find(peer);
    if (sought == nullptr) return;
    sought->search.handle_handshake(status_of(*sought).endpoint.value_or(Endpoint()));
    follow_deadlines();
    follow_candidates();
}

void Roaming::handle_endpoint_moved(protocol::PeerId peer) {
    Sought* const sought = find(peer);
    if (sought == nullptr) return;
    sought->search.handle_endpoint_moved(status_of(*sought).endpoint.value_or(Endpoint()));
    follow_candidates();
}

/// The lock lets through to wherever a peer is or may be sought, and nowhere else; and all ways there are watched.
void Roaming::follow_candidates() {
    follow_.set_in(breath); // first: whatever memory there is
    if (lock_) {
        std::vector<Endpoint> all;
        const auto add = [&](const Endpoint& each) {
            if (!would_loop(each)) all.push_back(each);
        };
        for (const Sought& sought : parts_.peers) std::ranges::for_each(sought.search.book().all(), add);
        for (const tun::PeerStatus& peer : engine_.peers())
            if (peer.endpoint) add(*peer.endpoint);
        std::ranges::sort(all);
        all.erase(std::unique(all.begin(), all.end()), all.end());
        lock_->admit_only(std::move(all));
    }
    ways_.handle_new_destinations();
    follow_.clear();
}

void Roaming::handle_silence(Sought& sought) {
    const tun::PeerStatus peer = status_of(sought);
    if (!peer.attempt.under_way) return; // given up: nobody wants it
    const auto elsewhere =
        sought.search.next_server(peer.endpoint.value_or(Endpoint()), [this](const Endpoint& each) { return fits(each); });
    if (elsewhere) move_to(sought, *elsewhere);
    lookups_.ask(sought.search.servers()); // last: what memory does not suffice for
}

bool Roaming::fits(const Endpoint& endpoint) const { return !would_loop(endpoint) && ways_.leads_to(endpoint.address); }

bool Roaming::would_loop(const Endpoint& endpoint) const {
    // The rules were made for the addresses known then: what the main table sends into the tunnel can't be its endpoint. A
    // program's own network is not the one that outer packets take.
    return !plan_.apart && std::ranges::any_of(plan_.routes, [&endpoint](const system::Route& route) {
        return route.table == system::main_table && route.destination.contains(endpoint.address);
    });
}

void Roaming::move_to(Sought& sought, const Endpoint& endpoint) {
    if (would_loop(endpoint)) return log_.warn("endpoint-inside", {{"connection", parts_.name}, {"endpoint", endpoint}});
    log_.info("endpoint-tried", {{"connection", parts_.name}, {"endpoint", endpoint}});
    sought.search.handle_new_way();
    const bool asked = status_of(sought).attempt.under_way;
    engine_.seek_at(sought.id, endpoint);
    if (!asked) begin_handshake(sought);
    follow_candidates();
    if (sought.id == parts_.main) moved_();
}

// --- names -------------------------------------------------------------------------------------------------------------------

void Roaming::miss(const Sought& sought) {
    const auto& servers = sought.search.servers();
    missed_.insert(missed_.end(), servers.begin(), servers.end());
    ask_.set_in(0s);
}

/// A change of the network has many parts: they are looked up once for all of them.
void Roaming::look_up_soon(const Sought& sought) {
    const auto& servers = sought.search.servers();
    wanted_.insert(wanted_.end(), servers.begin(), servers.end());
    anew_.set_in(0s);
}

void Roaming::look_up_wanted() {
    if (resolver_watch_) resolver_watch_->look_again();
    lookups_.ask_anew(wanted_);
    wanted_.clear();
}

/// To a peer whose name never had an address nothing can be sent, which would be a reason to look it up.
void Roaming::look_for_the_lost() {
    lost_.set_in(between_looks); // first: whatever fails
    bool any = false;
    for (const Sought& each : parts_.peers) {
        const auto is_name = [](const config::HostPort& server) { return !server.literal(); };
        if (status_of(each).endpoint || std::ranges::none_of(each.search.servers(), is_name)) continue;
        lookups_.ask(each.search.servers());
        any = true;
    }
    if (!any) lost_.clear();
}

/// Often they come a moment after the way to them: whoever was asked before may be out of reach by now.
void Roaming::handle_new_resolvers() {
    if (!lookups_.handle_new_resolvers()) return;
    log_.info("name-servers-changed", {{"connection", parts_.name}});
    for (const Sought& each : parts_.peers) {
        const tun::PeerStatus peer = status_of(each);
        const bool found = peer.endpoint && !each.search.is_elsewhere() && is_settled(each, peer);
        if (!peer.endpoint || (is_wanted(peer) && !found)) look_up_soon(each);
    }
}

void Roaming::hear(const config::HostPort& name, const system::Resolved& answer) {
    if (!answer) { // the old addresses are still the best we know
        log_.info("name-not-resolved", {{"connection", parts_.name}, {"error", answer.error().message}});
        return;
    }
    for (Sought& each : parts_.peers) hear(each, name, *answer);
}

void Roaming::hear(Sought& sought, const config::HostPort& name, const std::vector<Endpoint>& endpoints) {
    const tun::PeerStatus peer = status_of(sought);
    const auto knows = [&] { return peer.endpoint && sought.search.book().knows(*peer.endpoint); };
    const bool knew = knows();
    if (!sought.search.handle_addresses(name, endpoints)) return;
    follow_candidates();
    // Where it was heard lately it stays, whatever its name says now; and, until it is silent, where it went from there by
    // itself.
    if (peer.endpoint && (!knew || knows() || is_settled(sought, peer))) return;
    const auto fits = [this](const Endpoint& each) { return !would_loop(each) && ways_.finds_way_to(each.address); };
    const auto next = std::ranges::find_if(endpoints, fits);
    if (next != endpoints.end()) move_to(sought, *next);
}

} // namespace vpn::client
