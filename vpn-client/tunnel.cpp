#include "vpn-client/tunnel.hpp"

#include "common/system/clocks.hpp"
#include "vpn-client/connection_name.hpp"
#include "vpn-client/endpoints.hpp"
#include "vpn-client/firewall.hpp"

#include <algorithm>
#include <utility>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;
using protocol::EventKind;

/// With this much time or more, a second initiation goes unanswered before the other suite is asked for.
constexpr Duration patience = 6s;
/// Timestamps are written this long after they changed, and at the end.
constexpr Duration save_after = 1s;
/// A pause that can't be had is taken back by then.
constexpr Duration half_way = 1s;

/// None if this machine has no address inside of the family of whom it would ask.
std::optional<PathMtu::Question> path_question(const NetworkPlan& plan, const config::ClientConfig& config) {
    const ProbeTargets targets = probe_targets(config);
    if (targets.none()) return std::nullopt;
    const IpAddress& target = targets.echo.empty() ? targets.dns.front() : targets.echo.front();
    const auto of_family = [&target](const auto& each) { return each.prefix.family() == target.family(); };
    const auto source = std::ranges::find_if(plan.addresses, of_family);
    if (source == plan.addresses.end()) return std::nullopt;
    return PathMtu::Question{plan.interface, source->prefix.address(), target, config.interface.probe.has_value()};
}

} // namespace

Tunnel::Tunnel(boost::asio::io_context& loop, Parts parts, system::Logger log)
    : loop_(loop), log_(std::move(log)), started_(system::now().boot), file_(std::move(parts.file)), plan_(std::move(parts.plan)),
      targets_(probe_targets(file_.config)), store_(timestamps_path(file_.origin.name)), lock_(std::move(parts.lock)),
      main_key_(main_peer(file_.config).public_key),
      portal_watch_(loop, plan_.apart ? std::nullopt : file_.config.interface.portal_check, parts.outside.resolvers, log_),
      save_(loop, [this] { save_timestamps(); }), pause_over_(loop, [this](bool again) { return end_pause(again); }), soon_(loop),
      gauges_(loop, std::move(parts.inside.for_status), targets_,
              [this] { return engine_ ? engine_->peers() : Gauges::Peers(); }),
      asking_(std::move(parts.inside.at_start)), path_listener_(std::move(parts.inside.of_path)) {
    start_engine(parts);
    network_ = std::move(parts.network);
    dns_ = std::move(parts.dns);
    dns_->keep(loop_, log_);
    firewall_keeper_.emplace(loop_, file_.origin.name, plan_.firewall_table, lock_ ? &*lock_ : nullptr, *network_, log_);
    start_roaming(parts);
    start_handshakes(parts.endpoints);
}

Tunnel::~Tunnel() {
    firewall_keeper_.reset();
    dns_.reset();
    network_.reset();
    save_timestamps();
}

// --- starting ----------------------------------------------------------------------------------------------------------------

void Tunnel::start_engine(Parts& parts) {
    tun::EngineObserver& observer = *this;
    engine_ = std::make_unique<tun::Engine>(loop_, tun::Wiring{std::move(parts.device), std::move(parts.sockets), plan_.mtu},
                                            std::move(file_.config.interface.private_key), random_, observer);
    std::vector<protocol::PeerConfig> peers;
    for (config::ClientPeer& peer : file_.config.peers)
        // Without an endpoint yet: nothing is sent before the timestamps are there.
        peers.push_back({.public_key = peer.public_key,
                         .preshared_key = std::move(peer.preshared_key),
                         .endpoint = std::nullopt,
                         .allowed_ips = peer.allowed_ips,
                         .persistent_keepalive = peer.persistent_keepalive,
                         .suite = peer.suite,
                         .asks_other_suite_after = parts.limit == 0s ? patience : std::min(patience, parts.limit / 2)});
    engine_->set_peers(std::move(peers));
    if (const auto timestamps = store_.load())
        engine_->restore(*timestamps);
    else
        log_.warn("timestamps-unreadable", {{"error", timestamps.error().message}});
}

void Tunnel::start_roaming(Parts& parts) {
    Roaming::Parts of_peers{.name = file_.origin.name, .main = main_id(), .peers = {}, .outside = std::move(parts.outside)};
    for (std::size_t i = 0; i < file_.config.peers.size(); ++i) {
        const config::ClientPeer& peer = file_.config.peers[i];
        if (const auto id = engine_->find(peer.public_key))
            of_peers.peers.push_back({*id, PeerSearch(servers_of(peer), std::move(parts.servers[i]))});
    }
    const auto moved = [this] { path_mtu_ ? path_mtu_->handle_network_change() : void(); };
    roaming_ = std::make_unique<Roaming>(loop_, std::move(of_peers), Roaming::Surroundings{*engine_, plan_, lock_, moved}, log_);
}

void Tunnel::start_handshakes(const std::vector<Endpoints>& endpoints) {
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const config::ClientPeer& peer = file_.config.peers[i];
        const auto id = engine_->find(peer.public_key);
        if (!id || endpoints[i].empty()) continue;
        engine_->set_endpoint(*id, endpoints[i].front());
        if (peer.public_key == main_key_ || peer.persistent_keepalive != 0s) engine_->want_handshake(*id);
    }
}

void Tunnel::start_probe() {
    if (targets_.none() || answered_ || probe_) return;
    auto probe = Probe::start(loop_, asking_, targets_, [this] {
        answered_ = true;
        log_.info("answer-from-inside", {{"connection", file_.origin.name}});
        soon_.call([this] { probe_.reset(); });
        start_path_mtu();
        if (!lock_ && !dns_->plan().empty()) portal_watch_.handle_tunnel_works();
    });
    if (probe) {
        probe_ = std::move(*probe);
        return;
    }
    unable_to_ask_ = true;
    log_.warn("cannot-probe", {{"error", probe.error().message}});
}

void Tunnel::start_path_mtu() {
    const auto question = path_question(plan_, file_.config);
    if (!plan_.mtu_is_auto || !question) return;
    auto path = PathMtu::start(loop_, *question, std::move(path_listener_),
                               {.send = [this](std::span<const ByteVector> packets) { engine_->send_probes(main_id(), packets); },
                                .overhead =
                                    [this] {
                                        const Family family = main_status().endpoint.value_or(Endpoint()).address.family();
                                        return outer_overhead(family, main_peer(file_.config).suite);
                                    },
                                .link_mtu =
                                    [this] {
                                        // In a program's own network the way to the endpoint seems to be the tunnel itself.
                                        if (plan_.apart) return plan_.outer_mtu;
                                        return link_mtu_to(main_status().endpoint.value_or(Endpoint()));
                                    },
                                .traffic = [this] { return main_status().received.value + main_status().sent.value; },
                                .found = [this] { follow_path_mtu(); }});
    if (path)
        path_mtu_ = std::move(*path);
    else
        log_.warn("path-mtu-unknown", {{"error", path.error().message}});
}

void Tunnel::follow_path_mtu() {
    const std::uint32_t path = *path_mtu_->path();
    plan_.mtu = interface_mtu(plan_, path);
    log_.info("path-mtu", {{"connection", file_.origin.name}, {"path", path}, {"interface", plan_.mtu}});
    engine_->set_mtu(plan_.mtu);
    const std::uint32_t largest = largest_whole_packet(plan_, path);
    const bool fits = plan_.mtu + plan_.overhead <= path;
    const auto commands = plan_.apart ? std::string() : segment_commands(file_.config.interface.name, largest);
    if (const auto set = network_->set_mtu(plan_.mtu, fits ? 0 : largest, commands); !set)
        log_.error("cannot-set-mtu", {{"connection", file_.origin.name}, {"error", set.error().message}});
}

// --- what the engine tells ---------------------------------------------------------------------------------------------------

bool Tunnel::tell_again(EventKind kind) {
    const Boot now = system::now().boot;
    const auto [told, first] = told_.try_emplace(kind, now);
    if (!first && now - told->second < std::chrono::minutes(1)) return false;
    told->second = now;
    return true;
}

void Tunnel::on_event(const protocol::Event& event) {
    const bool main = event.peer == main_id();
    switch (event.kind) {
    case EventKind::initiation_sent:
        if (roaming_) roaming_->handle_initiation_sent(event.peer);
        if (main) handle_initiation_sent();
        break;
    case EventKind::handshake_complete:
        if (roaming_) roaming_->handle_handshake(event.peer);
        if (main) handle_handshake();
        break;
    case EventKind::response_rejected:
        if (tell_again(event.kind)) log_.warn("response-rejected", {{"connection", file_.origin.name}});
        break;
    case EventKind::cookie_received:
        if (tell_again(event.kind)) log_.info("server-busy", {{"connection", file_.origin.name}});
        break;
    case EventKind::gave_up:
        log_.warn("no-answer", {{"connection", file_.origin.name}});
        // Whoever waits for a first handshake waits on; later, the next packet asks for one.
        if (main && !works()) soon_.call([this] { engine_->want_handshake(main_id()); });
        break;
    case EventKind::endpoint_moved: handle_endpoint_moved(event.peer); break;
    case EventKind::wrong_suite:
        if (tell_again(event.kind)) log_.warn("wrong-suite", {{"connection", file_.origin.name}});
        break;
    case EventKind::suite_declined:
        if (main) handle_declined();
        break;
    case EventKind::spent:
    case EventKind::refused: break; // a server's: we bar nobody
    case EventKind::clock_behind:
        if (tell_again(event.kind)) log_.warn("old-timestamp", {{"connection", file_.origin.name}});
        break;
    }
}

/// Told by an authentic packet.
void Tunnel::handle_endpoint_moved(protocol::PeerId peer) {
    const auto status = engine_->peer(peer);
    if (!status || !status->endpoint) return;
    if (roaming_) roaming_->handle_endpoint_moved(peer); // first: the lock lets through to where it is
    if (path_mtu_ && peer == main_id()) path_mtu_->handle_network_change();
    if (tell_again(EventKind::endpoint_moved))
        log_.info("endpoint-moved", {{"connection", file_.origin.name}, {"endpoint", *status->endpoint}});
}

void Tunnel::handle_initiation_sent() {
    initiation_sent_ = system::now().boot;
    if (main_status().attempt.initiations > 1) portal_watch_.handle_silence(!lock_ || lock_->is_open(), dns_->plan().empty());
    if (works() && main_status().attempt.initiations > 1 && !std::exchange(silent_, true))
        log_.warn("server-silent", {{"connection", file_.origin.name}});
    log_.debug("initiation-sent", {{"connection", file_.origin.name}, {"endpoint", main_status().endpoint.value_or(Endpoint())}});
}

void Tunnel::handle_handshake() {
    const Boot now = system::now().boot;
    portal_watch_.handle_answer();
    port_unreachable_.clear();
    host_unreachable_.clear();
    const Duration took = now - initiation_sent_;
    log_.debug("handshake-complete", {{"connection", file_.origin.name},
                                      {"milliseconds", std::chrono::round<std::chrono::milliseconds>(took).count()}});
    if (std::exchange(silent_, false)) log_.info("server-answers-again", {{"connection", file_.origin.name}});
    if (handshake_took_) return;
    handshake_took_ = took;
    handshake_at_ = now;
    start_probe();
}

void Tunnel::handle_declined() {
    if (tell_again(EventKind::suite_declined))
        log_.info("suite-declined",
                  {{"connection", file_.origin.name}, {"hint", "the server is there, and has the file's suite"}});
}

void Tunnel::on_unreachable(const system::UnreachableReport& report) {
    using enum system::UnreachableReport::Reason;
    const auto sought = roaming_ ? roaming_->candidates() : std::vector<Endpoint>();
    if (std::ranges::find(sought, report.destination) == sought.end()) return;
    if (report.reason == too_big && path_mtu_) path_mtu_->handle_too_big(static_cast<std::uint32_t>(std::max(report.mtu, 0)));
    log_.debug("unreachable", {{"connection", file_.origin.name}, {"endpoint", report.destination}});
    if (report.reason == port) ++port_unreachable_[report.destination];
    if (report.reason == host || report.reason == net || report.reason == prohibited) ++host_unreachable_[report.destination];
}

void Tunnel::on_timestamps_changed() { save_.set_in(save_after); }

void Tunnel::on_interface_gone() {
    gone_ = true; // first: it holds, whether or not there is memory to say so
    log_.warn("interface-gone", {{"interface", file_.config.interface.name}});
}

void Tunnel::on_network_changed(const std::vector<system::NetlinkEvent>& events) {
    using Kind = system::NetlinkEvent::Kind;
    const auto outer = [this](const system::NetlinkEvent& event) { return event.interface != plan_.interface; };
    if (path_mtu_ && std::ranges::any_of(events, outer)) path_mtu_->handle_network_change();
    for (const system::NetlinkEvent& event : events) {
        if (event.interface != plan_.interface || event.kind != Kind::link_changed) continue;
        const bool came_back = link_down_ && event.up;
        link_down_ = !event.up;
        if (!came_back) continue;
        log_.info("interface-up-again", {{"interface", file_.config.interface.name}});
        network_->repair();
    }
}

void Tunnel::save_timestamps() {
    if (auto saved = store_.save(engine_->timestamps()); !saved)
        log_.warn("timestamps-not-saved", {{"error", saved.error().message}});
}

// --- the lock ----------------------------------------------------------------------------------------------------------------

void Tunnel::hold_lock() {
    if (lock_) lock_->hold();
}

void Tunnel::open_lock_at_end() {
    if (lock_) lock_->open_at_end();
}

Result<void> Tunnel::pause(Duration time) {
    if (time == Duration::zero()) {
        if (paused_until_) pause_over_.begin();
        if (paused_until_) return failed(end_refused_ + "; it is tried again until it is done");
        return {};
    }
    paused_until_ = system::now().boot + time;
    pause_over_.begin_in(half_way); // first: one that memory does not suffice for is over then
    log_.warn("paused", {{"connection", file_.origin.name}, {"seconds", std::chrono::ceil<std::chrono::seconds>(time).count()}});
    if (lock_)
        if (auto opened = lock_->pause(time); !opened) {
            pause_over_.begin();
            return opened;
        }
    dns_->step_aside();
    network_->step_aside();
    pause_over_.begin_in(time);
    if (!works() || main_status().attempt.initiations > 1) portal_watch_.handle_pause();
    return {};
}

/// The lock first. False: something was refused, and has to be tried again.
bool Tunnel::end_pause(bool again) {
    // On the boot clock: the kernel's own time stands still in a sleep.
    if (paused_until_) paused_until_ = std::min(*paused_until_, system::now().boot);
    const Result<void> locked = lock_ ? lock_->pause(Duration::zero()) : Result<void>();
    const Result<void> back = network_->step_back();
    tell(locked, "cannot-end-pause", again);
    tell(back, "cannot-end-pause", again);
    const bool shut = locked && back;
    if (!shut) end_refused_ = (locked ? back : locked).error().message;
    if (shut && paused_until_) {
        log_.info("pause-over", {{"connection", file_.origin.name}});
        paused_until_.reset();
    }
    const Result<void> dns = dns_->step_back();
    tell(dns, "dns-lost", again);
    return shut && dns;
}

/// Once, however often it is tried.
void Tunnel::tell(const Result<void>& done, const char* trouble, bool again) const {
    if (!done && !again) log_.error(trouble, {{"connection", file_.origin.name}, {"error", done.error().message}});
}

} // namespace vpn::client
