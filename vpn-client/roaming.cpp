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
constexpr Duration between_lookups = 30s;
/// What a look-up takes at most, with servers that don't answer: the lock stays open for them no longer.
constexpr Duration longest_lookup = 30s;

} // namespace

Roaming::Roaming(boost::asio::io_context& loop, Parts parts, Surroundings surroundings, const system::Logger& log)
    : loop_(loop), parts_(std::move(parts)), engine_(surroundings.engine), plan_(surroundings.plan), lock_(surroundings.lock),
      moved_(std::move(surroundings.moved)), log_(log), book_(parts_.endpoints), last_lookup_(system::now().boot),
      race_(loop, [this] { race_on(); }), silence_(loop, [this] { handle_silence(); }), overdue_(loop, [this] { look_up(); }),
      ways_(loop, std::move(parts_.outside.doors),
            {.destinations = [this] { return destinations(); },
             .changed = [this](const IpAddress& destination) { handle_new_way(destination); },
             .looked = [this] { handle_lost_way(); }}),
      wake_(loop, [this](std::string_view by) { handle_wake(by); }) {}

Roaming::~Roaming() {
    if (!questions_.empty() && lock_) lock_->dismiss_resolvers();
}

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
    if (of_main) look_up_anew();
}

/// Where no way leads any more to where the main peer was, another address of it may be within reach.
void Roaming::handle_lost_way() {
    if (ways_.leads_to(endpoint().address)) return;
    const auto all = book_.all();
    const auto other = std::ranges::find_if(all, [this](const Endpoint& each) { return ways_.leads_to(each.address); });
    if (other == all.end()) return;
    move_to(*other);
    look_up_anew();
}

void Roaming::handle_wake(std::string_view by) {
    log_.info("woke", {{"connection", parts_.name}, {"by", by}});
    elsewhere_ = true;
    for (const tun::PeerStatus& peer : engine_.peers())
        if (peer.id == main_id() || peer.can_send || peer.persistent_keepalive != 0s) engine_.handle_new_way(peer.id);
    look_up_anew();
}

// --- the main peer answers, or does not --------------------------------------------------------------------------------------

void Roaming::handle_initiation_sent() {
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
        if (would_loop(next) || !ways_.leads_to(next.address)) continue;
        if (lock_) lock_->admit(next);
        log_.debug("endpoint-raced", {{"connection", parts_.name}, {"endpoint", next}});
        engine_.send_initiation_also_to(main_id(), next);
        if (!to_race_.empty()) race_.set_in(race_delay);
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
    look_up();
    const auto first = book_.first();
    // A name that was looked up since may have other addresses now.
    const auto elsewhere = book_.knows(endpoint()) ? book_.next_server() : first;
    if (elsewhere) move_to(*elsewhere);
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

// --- its names ---------------------------------------------------------------------------------------------------------------

bool Roaming::is_settled() const {
    const auto handshake = main_status().last_handshake;
    return !silent_ && handshake && system::now().boot - handshake->boot < overdue_after;
}

void Roaming::look_up_anew() {
    if (!questions_.empty() && lock_) lock_->dismiss_resolvers();
    questions_.clear(); // went by a way that is no more
    last_lookup_.reset();
    look_up();
}

void Roaming::look_up() {
    const Boot now = system::now().boot;
    if (!questions_.empty()) return;
    if (last_lookup_ && now - *last_lookup_ < between_lookups) return;
    const std::vector<IpAddress> resolvers = parts_.outside.resolvers();
    system::SocketStock* const sockets = parts_.outside.sockets ? &*parts_.outside.sockets : nullptr;
    for (std::size_t i = 0; i < parts_.servers.size(); ++i) {
        const config::HostPort& server = parts_.servers[i];
        if (server.literal()) continue;
        if (questions_.empty() && lock_) lock_->admit_resolvers(resolvers, longest_lookup);
        questions_.emplace(i, Question{{server.host, server.port, resolvers, outer_mark, sockets}, std::nullopt});
    }
    if (!questions_.empty()) last_lookup_ = now;
    for (auto& [server, question] : questions_)
        question.watch.emplace(loop_, question.lookup.fd(), [this, i = server] { hear(i); });
}

void Roaming::hear(std::size_t server) {
    const auto question = questions_.find(server);
    if (question == questions_.end()) return;
    const auto answer = question->second.lookup.handle_events();
    if (!answer) return;
    questions_.erase(question);
    if (questions_.empty() && lock_) lock_->dismiss_resolvers();
    if (!*answer) { // the old addresses are still the best we know
        log_.info("name-not-resolved", {{"connection", parts_.name}, {"error", answer->error().message}});
        return;
    }
    const bool known = book_.knows(endpoint());
    book_.handle_addresses(server, **answer);
    ways_.handle_new_destinations();
    // Where it was heard lately it stays, whatever its name says now.
    if (known && !book_.knows(endpoint()) && !is_settled()) move_to((*answer)->front());
}

} // namespace vpn::client
