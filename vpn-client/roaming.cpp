#include "vpn-client/roaming.hpp"

#include "common/system/clocks.hpp"

#include <algorithm>
#include <utility>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

/// RFC 8305, 8: the Connection Attempt Delay.
constexpr Duration race_delay = 250ms;
/// After so long without an answer, the peer is sought elsewhere.
constexpr Duration silence_after = 3s;
/// EXPERIENCE: a handshake that is older than this was not renewed.
constexpr Duration overdue_after = 135s;

std::vector<config::HostPort> names_of(const Roaming::Parts& parts) {
    std::vector<config::HostPort> names;
    const auto add = [&names](const Roaming::Named& named) {
        for (const config::HostPort& each : named.servers)
            if (!each.literal()) names.push_back(each);
    };
    add(parts.main);
    for (const Roaming::Named& each : parts.others) add(each);
    return names;
}

} // namespace

Roaming::Roaming(boost::asio::io_context& loop, Parts parts, Surroundings surroundings, const system::Logger& log)
    : parts_(std::move(parts)), engine_(surroundings.engine), plan_(surroundings.plan), lock_(surroundings.lock),
      moved_(std::move(surroundings.moved)), log_(log), book_(parts_.main.endpoints),
      lookups_(loop, {std::move(parts_.outside.resolvers), std::move(parts_.outside.sockets), lock_}, names_of(parts_),
               [this](const config::HostPort& name, const system::Resolved& answer) { hear(name, answer); }),
      race_(loop, [this] { race_on(); }), silence_(loop, [this] { handle_silence(); }), overdue_(loop, [this] { look_up(); }),
      anew_(loop, [this] { look_up_wanted(); }), lost_(loop, [this] { look_for_the_lost(); }),
      ways_(loop, std::move(parts_.outside.doors),
            {.destinations = [this] { return destinations(); },
             .changed = [this](const IpAddress& destination) { handle_new_way(destination); },
             .looked = [this] { handle_lost_way(); }}),
      wake_(loop, [this](std::string_view by) { handle_wake(by); }) {
    for (const Named& each : parts_.others) beside_.push_back({each, EndpointBook(each.endpoints)});
    if (!beside_.empty()) lost_.set_in(overdue_after);
    if (!names_of(parts_).empty()) resolver_watch_.emplace(loop, [this] { handle_new_resolvers(); });
}

Roaming::~Roaming() = default;

// --- the machine moves -------------------------------------------------------------------------------------------------------

std::vector<IpAddress> Roaming::destinations() const {
    std::vector<IpAddress> all;
    for (const Endpoint& each : book_.all()) all.push_back(each.address);
    for (const tun::PeerStatus& peer : engine_.peers())
        if (peer.endpoint) all.push_back(peer.endpoint->address);
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

void Roaming::handle_new_way(const IpAddress& destination) {
    log_.info("network-changed", {{"connection", parts_.name}, {"way-to", destination}});
    const bool of_main = destination == endpoint().address;
    if (of_main) elsewhere_ = true;
    for (const tun::PeerStatus& peer : engine_.peers())
        if (peer.endpoint && peer.endpoint->address == destination) engine_.handle_new_way(peer.id);
    if (of_main) look_up_soon(parts_.main);
    for (const Beside& each : beside_) {
        const auto peer = status_of(each);
        if (peer && (!peer->endpoint || peer->endpoint->address == destination)) look_up_soon(each.named);
    }
}

/// Where no way leads any more to where the main peer was, another address of it may be within reach.
void Roaming::handle_lost_way() {
    if (ways_.leads_to(endpoint().address)) return;
    const auto all = book_.all();
    const auto other = std::ranges::find_if(all, [this](const Endpoint& each) { return ways_.leads_to(each.address); });
    if (other == all.end()) return;
    move_to(*other);
    look_up_soon(parts_.main);
}

void Roaming::handle_wake(std::string_view by) {
    log_.info("woke", {{"connection", parts_.name}, {"by", by}});
    elsewhere_ = true;
    for (const tun::PeerStatus& peer : engine_.peers())
        if (peer.id == main_id() || peer.can_send || peer.persistent_keepalive != 0s) engine_.handle_new_way(peer.id);
    look_up_soon(parts_.main);
    for (const Beside& each : beside_) {
        const auto peer = status_of(each);
        if (peer && (!peer->endpoint || peer->can_send || peer->persistent_keepalive != 0s)) look_up_soon(each.named);
    }
}

// --- the main peer answers, or does not --------------------------------------------------------------------------------------

void Roaming::handle_initiation_sent(protocol::PeerId peer) {
    if (peer != main_id()) return handle_initiation_beside(peer);
    if (!std::exchange(waits_, true)) silence_.set_in(silence_after);
    // While it has just been heard by this way, only its silence is a reason to look for it elsewhere.
    if (!elsewhere_ && main_status().attempt.initiations < 2) return;
    to_race_ = book_.others(endpoint());
    if (!to_race_.empty()) race_.set_in(race_delay);
}

void Roaming::race_on() {
    while (!to_race_.empty()) {
        const Endpoint next = to_race_.front();
        to_race_.erase(to_race_.begin());
        if (!to_race_.empty()) race_.set_in(race_delay); // first: the others are raced, whatever memory there is
        if (would_loop(next) || !ways_.leads_to(next.address)) continue;
        if (lock_) lock_->admit(next);
        log_.debug("endpoint-raced", {{"connection", parts_.name}, {"endpoint", next}});
        engine_.send_initiation_also_to(main_id(), next);
        return;
    }
}

void Roaming::handle_handshake() {
    waits_ = silent_ = elsewhere_ = false;
    to_race_.clear();
    race_.clear();
    silence_.clear();
    overdue_.set_in(overdue_after);
    handle_endpoint_moved();
}

void Roaming::handle_endpoint_moved() {
    book_.handle_answer_from(endpoint());
    ways_.handle_new_destinations();
}

void Roaming::handle_silence() {
    waits_ = false;
    silent_ = true;
    const auto first = book_.first();
    // A name that was looked up since may have other addresses now.
    const auto elsewhere = book_.knows(endpoint()) ? book_.next_server() : first;
    if (elsewhere) move_to(*elsewhere);
    look_up(); // last: what memory does not suffice for
}

bool Roaming::would_loop(const Endpoint& endpoint) const {
    // The rules were made for the addresses known then: what the main table sends into the tunnel can't be its endpoint. A
    // program's own network is not the one that outer packets take.
    return !plan_.apart && std::ranges::any_of(plan_.routes, [&endpoint](const system::Route& route) {
        return route.table == system::main_table && route.destination.contains(endpoint.address);
    });
}

void Roaming::move_to(const Endpoint& endpoint) {
    if (would_loop(endpoint)) return log_.warn("endpoint-inside", {{"connection", parts_.name}, {"endpoint", endpoint}});
    if (lock_) lock_->admit(endpoint);
    log_.info("endpoint-tried", {{"connection", parts_.name}, {"endpoint", endpoint}});
    elsewhere_ = true;
    engine_.set_endpoint(main_id(), endpoint);
    engine_.handle_new_way(main_id());
    ways_.handle_new_destinations();
    moved_();
}

// --- names -------------------------------------------------------------------------------------------------------------------

bool Roaming::is_settled() const {
    const auto handshake = main_status().last_handshake;
    return !silent_ && handshake && system::now().boot - handshake->boot < overdue_after;
}

bool Roaming::is_settled(const tun::PeerStatus& beside) {
    const bool silent = beside.attempt.under_way && beside.attempt.initiations > 1;
    return !silent && beside.last_handshake && system::now().boot - beside.last_handshake->boot < overdue_after;
}

std::optional<tun::PeerStatus> Roaming::status_of(const Beside& beside) const {
    const auto id = engine_.find(beside.named.key);
    return id ? engine_.peer(*id) : std::nullopt;
}

void Roaming::look_up() { lookups_.ask(parts_.main.servers); }

/// There is something to send to a peer, and it has not been heard for long, or does not answer.
void Roaming::handle_initiation_beside(protocol::PeerId peer) {
    for (const Beside& each : beside_) {
        const auto status = status_of(each);
        if (status && status->id == peer && !is_settled(*status)) lookups_.ask(each.named.servers);
    }
}

/// A change of the network has many parts: they are looked up once for all of them.
void Roaming::look_up_soon(const Named& named) {
    wanted_.insert(wanted_.end(), named.servers.begin(), named.servers.end());
    anew_.set_in(0s);
}

void Roaming::look_up_wanted() {
    if (resolver_watch_) resolver_watch_->look_again();
    lookups_.ask_anew(wanted_);
    wanted_.clear();
}

/// To a peer whose name never had an address nothing can be sent, which would be a reason to look it up.
void Roaming::look_for_the_lost() {
    lost_.set_in(overdue_after); // first: whatever fails
    bool any = false;
    for (const Beside& each : beside_) {
        const auto peer = status_of(each);
        if (!peer || peer->endpoint) continue;
        lookups_.ask(each.named.servers);
        any = true;
    }
    if (!any) lost_.clear();
}

/// Often they come a moment after the way to them: whoever was asked before may be out of reach by now.
void Roaming::handle_new_resolvers() {
    if (!lookups_.handle_new_resolvers()) return;
    log_.info("name-servers-changed", {{"connection", parts_.name}});
    if (elsewhere_ || !is_settled()) look_up_soon(parts_.main);
    for (const Beside& each : beside_) {
        const auto peer = status_of(each);
        if (peer && (!peer->endpoint || (peer->attempt.under_way && !is_settled(*peer)))) look_up_soon(each.named);
    }
}

void Roaming::hear(const config::HostPort& name, const system::Resolved& answer) {
    if (!answer) { // the old addresses are still the best we know
        log_.info("name-not-resolved", {{"connection", parts_.name}, {"error", answer.error().message}});
        return;
    }
    const bool known = book_.knows(endpoint());
    bool of_main = false;
    for (std::size_t i = 0; i < parts_.main.servers.size(); ++i) {
        if (parts_.main.servers[i] != name) continue;
        of_main = true;
        book_.handle_addresses(i, *answer);
        ways_.handle_new_destinations();
    }
    // Where it was heard lately it stays, whatever its name says now.
    if (of_main && known && !book_.knows(endpoint()) && !is_settled()) move_to(answer->front());
    for (Beside& each : beside_) hear_beside(each, name, *answer);
}

void Roaming::hear_beside(Beside& beside, const config::HostPort& name, const std::vector<Endpoint>& endpoints) {
    bool its = false;
    for (std::size_t i = 0; i < beside.named.servers.size(); ++i) {
        if (beside.named.servers[i] != name) continue;
        its = true;
        beside.book.handle_addresses(i, endpoints);
    }
    const auto peer = status_of(beside);
    if (!its || !peer || (peer->endpoint && (beside.book.knows(*peer->endpoint) || is_settled(*peer)))) return;
    const auto fits = [this](const Endpoint& each) { return !would_loop(each) && ways_.finds_way_to(each.address); };
    const auto next = std::ranges::find_if(endpoints, fits);
    if (next == endpoints.end()) return;
    if (lock_) lock_->admit(*next);
    log_.info("endpoint-tried", {{"connection", parts_.name}, {"endpoint", *next}});
    engine_.set_endpoint(peer->id, *next);
    if (peer->attempt.under_way || peer->can_send || peer->persistent_keepalive != 0s) engine_.handle_new_way(peer->id);
    ways_.handle_new_destinations();
}

} // namespace vpn::client
