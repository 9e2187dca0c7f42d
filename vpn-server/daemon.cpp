#include "vpn-server/daemon.hpp"

#include "common/system/clocks.hpp"
#include "common/system/memory_reserve.hpp"
#include "common/system/process.hpp"
#include "common/system/thread_times.hpp"
#include "vpn-server/difference.hpp"
#include "vpn-server/handover.hpp"
#include "vpn-server/metrics.hpp"
#include "vpn-server/paths.hpp"
#include "vpn-server/peer_edit.hpp"
#include "vpn-server/server_key.hpp"
#include "vpn-server/service.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <new>

namespace vpn::server {
namespace {

using config::Json;
using config::ServerConfig;
using config::ServerPeer;

/// A link that comes up changes many things at once: look when it is over.
constexpr std::chrono::milliseconds settling{200};

/// Until a look that memory did not suffice for is tried again.
constexpr std::chrono::seconds breath{1};

/// A command may have another directory than the daemon.
std::string absolute_path(const ConfigFile& file) {
    std::error_code error; // the directory that it is relative to may have gone
    const auto path = std::filesystem::absolute(file.path(), error);
    return error ? file.path() : path.string();
}

std::optional<ByteCount> passed(const tun::Engine& engine, const crypto::PublicKey& key) {
    const auto id = engine.find(key);
    const protocol::Peer* peer = id ? engine.conversation().peer(*id) : nullptr;
    if (peer == nullptr) return std::nullopt;
    return ByteCount{peer->activity()->received_bytes().value + peer->activity()->sent_bytes().value};
}

/// Default routes may have moved.
bool may_move_uplinks(const system::NetlinkEvent& event) {
    using Kind = system::NetlinkEvent::Kind;
    return event.kind != Kind::address_added && event.kind != Kind::address_removed;
}

} // namespace

Daemon::Daemon(boost::asio::io_context& loop, const system::Logger& log, Random& random, DaemonParts parts)
    : loop_(loop), log_(log), random_(random), file_(std::move(parts.file)), config_(std::move(parts.content.config)),
      on_disk_(parts.content.state), mtu_(parts.mtu), started_(system::now()), network_(std::move(parts.network)), events_(log),
      network_timer_(loop), expiry_timer_(loop), old_key_timer_(loop),
      engine_(loop, tun::Wiring{std::move(parts.device), std::move(parts.sockets), mtu_},
              own_keys(config_.interface, started_.wall), random, *this),
      timestamps_(loop, tun::TimestampStore(timestamps_path(config_.interface.name)), log,
                  [this] { return engine_.timestamps(); }),
      usage_(loop, UsageStore(usage_path(config_.interface.name)), log,
             [this](const crypto::PublicKey& key) { return passed(engine_, key); }),
      whereabouts_(loop, WhereaboutsStore(whereabouts_path(config_.interface.name)), log, [this] { return whereabouts(); }),
      metrics_door_(loop, [this] { return metrics(); }) {
    name_peers();
    apply_peers(ServerConfig(), config_);
    look_at_expiries();
    find_peers_again();
    await_old_keys_end();
    // Peers matter more than numbers about them.
    auto opened = metrics_door_.open(config_.metrics);
    if (!opened) log_.error("no-metrics", {{"reason", opened.error().message}});
    if (opened) metrics_door_.use(config_.metrics, std::move(*opened));
    watch_firewalls();
    look_at_firewalls();        // what somebody changed before is not heard
    system::give_back_memory(); // what reading the file took
}

Daemon::~Daemon() {
    timestamps_.save();
    usage_.save();
    whereabouts_.save();
}

// --- what the engine tells ---------------------------------------------------------------------------------------------------

void Daemon::on_event(const protocol::Event& event) {
    if (event.kind == protocol::EventKind::handshake_complete) ++handshakes_;
    using enum protocol::EventKind;
    if (event.kind == handshake_complete || event.kind == endpoint_moved) whereabouts_.changed();
    const auto peer = engine_.peer(event.peer);
    if (!peer) return;
    const auto name = names_.find(peer->public_key);
    if (event.kind == protocol::EventKind::handshake_complete) usage_.handle_activity(peer->public_key);
    if (event.kind == protocol::EventKind::spent) usage_.save();
    if (name != names_.end()) events_.tell(event.kind, name->second, *peer, system::now().boot);
    if (event.kind == protocol::EventKind::spent) events_.forget(peer->public_key); // when it comes again, it has come anew
}

void Daemon::on_unreachable(const system::UnreachableReport& report) {
    log_.debug("unreachable", {{"endpoint", report.destination}});
}

void Daemon::on_interface_gone() {
    interface_gone_ = true;
    loop_.stop();
}

void Daemon::on_network_changed(const std::vector<system::NetlinkEvent>& events) {
    const bool follows = config_.nat.mode == config::Nat::Mode::automatic;
    if (look_pending_ || !follows || std::none_of(events.begin(), events.end(), may_move_uplinks)) return;
    look_soon();
}

void Daemon::look_soon() {
    network_timer_.expires_after(settling);
    network_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        look_pending_ = false;
        try {
            look_again();
        } catch (const std::bad_alloc&) {
            look_soon();
        }
    });
    look_pending_ = true;
}

void Daemon::look_again() {
    const auto changed = network_.look_again(config_);
    if (!changed) log_.error("rules-not-changed", {{"reason", changed.error().message}});
    if (changed && *changed) log_.info("uplink-changed", {{"ipv4", network_.uplinks().v4}, {"ipv6", network_.uplinks().v6}});
    tell_firewalls();
}

void Daemon::watch_firewalls() {
    auto monitor = system::NftablesMonitor::open();
    if (!monitor) log_.warn("firewalls-unwatched", {{"reason", monitor.error().message}});
    if (monitor) firewall_watch_.emplace(loop_, std::move(*monitor), [this] { look_at_firewalls(); });
    auto legacy = system::XtablesWatch::open();
    if (!legacy) log_.warn("firewalls-unwatched", {{"reason", legacy.error().message}});
    if (legacy) legacy_watch_.emplace(loop_, std::move(*legacy), [this] { look_at_legacy(); });
}

void Daemon::look_at_legacy() {
    if (network_.legacy_tables_changed()) look_at_firewalls();
}

void Daemon::look_at_firewalls() {
    const auto restored = network_.look_at_firewalls(config_);
    if (!restored) log_.error("firewall-lost", {{"reason", restored.error().message}});
    if (restored && *restored) log_.warn("firewall-put-up-again");
    tell_firewalls();
}

void Daemon::tell_firewalls() {
    const OtherFirewalls& now = network_.other_firewalls();
    const OtherFirewalls before = std::exchange(told_firewalls_, now);
    const auto is_new = [](const auto& item, const auto& list) { return std::ranges::find(list, item) == list.end(); };
    if (!now.trouble.empty() && now.trouble != before.trouble) log_.warn("other-firewalls-unknown", {{"reason", now.trouble}});
    for (const std::string& place : now.exceptions)
        if (is_new(place, before.exceptions)) log_.info("firewall-exception", {{"chain", place}});
    for (const std::string& place : before.exceptions)
        if (is_new(place, now.exceptions)) log_.info("firewall-exception-gone", {{"chain", place}});
    for (const Obstacle& obstacle : now.obstacles)
        if (is_new(obstacle, before.obstacles))
            log_.warn("firewall-obstacle", {{"firewall", obstacle.firewall},
                                            {"chain", obstacle.chain},
                                            {"drops", obstacle.traffic},
                                            {"command", obstacle.command}});
    for (const Obstacle& obstacle : before.obstacles)
        if (is_new(obstacle, now.obstacles))
            log_.info("firewall-obstacle-gone", {{"firewall", obstacle.firewall}, {"drops", obstacle.traffic}});
}

// --- what commands ask -------------------------------------------------------------------------------------------------------

std::string Daemon::handle_line(std::string_view line) {
    try {
        const auto request = decode_request(line);
        if (!request) return encode(Answer(refused(request.error())));
        return encode(std::visit([this](const auto& ask) { return handle(ask); }, *request));
    } catch (const std::bad_alloc&) {
        return encode(Answer(refused(ExitCode::failure, std::string(out_of_memory))));
    }
}

Answer Daemon::handle(const AskConfigFile&) { return Json::object({{"config", absolute_path(file_)}}); }

Answer Daemon::handle(const AskStatus&) {
    require_memory_to_tell();
    look_at_legacy();                                             // who changes those is not always heard
    boost::asio::post(loop_, [] { system::give_back_memory(); }); // a long list's answer, once it is on its way
    return status_json(status(), system::now());
}

/// Of many peers, the answer is large.
void Daemon::require_memory_to_tell() const {
    constexpr std::uint64_t per_peer = 4096;
    constexpr std::size_t few = 256; // as much as the reserve has for anybody
    if (config_.peers.size() > few) system::require_memory({config_.peers.size() * per_peer});
}

StatusReport Daemon::status() {
    StatusReport report{.config_file = absolute_path(file_),
                        .interface = engine_.interface_name(),
                        .public_key = engine_.public_key(),
                        .old_key = old_key_report(config_.interface, system::now().wall),
                        .port = engine_.port(),
                        .mtu = mtu_,
                        .started = started_,
                        .peers = {},
                        .drops = engine_.drops(),
                        .firewalls = network_.other_firewalls()};
    const AddressCounts over = network_.over_connections();
    report.over_connections = sum_of(over);
    report.peers.reserve(config_.peers.size());
    for (const ServerPeer& peer : config_.peers) report.peers.push_back({&peer, activity_of(peer)});
    const std::vector<std::uint64_t> by_peer = counts_by_peer(over, config_);
    for (std::size_t i = 0; i < by_peer.size(); ++i) report.peers[i].activity.over_connections = by_peer[i];
    return report;
}

std::string Daemon::metrics() {
    require_memory_to_tell();
    return metrics_text(status(), {handshakes_, engine_.queues(), system::thread_times()}, system::now());
}

Answer Daemon::handle(const AskReload&) {
    const std::size_t before = config_.peers.size();
    if (auto reloaded = reload(); !reloaded) return tl::unexpected(std::move(reloaded.error()));
    return Json::object({{"peers_before", before}, {"peers", config_.peers.size()}});
}

Answer Daemon::handle(const AskAddPeer& ask) {
    if (auto checked = check_endpoint(config_, file_.path()); !checked) return tl::unexpected(std::move(checked.error()));
    auto peer = plan_peer(config_, ask.peer, random_);
    if (!peer) return refused(peer.error());
    const std::string name = peer->name;
    if (auto added = add(std::move(*peer)); !added) return tl::unexpected(std::move(added.error()));
    log_.info("peer-added", {{"peer", name}});
    return hand_over(name);
}

template <class Ask> Answer Daemon::change_peer(const Ask& ask, std::string_view done) {
    ServerConfig wanted = config_.clone();
    if (auto edited = edit(wanted, ask, random_); !edited) return refused(edited.error());
    if (auto changed = change(std::move(wanted)); !changed) return tl::unexpected(std::move(changed.error()));
    log_.info(done, {{"peer", ask.name}});
    return Json::object();
}

Answer Daemon::handle(const AskRemovePeer& ask) { return change_peer(ask, "peer-removed"); }
Answer Daemon::handle(const AskEnablePeer& ask) { return change_peer(ask, ask.enabled ? "peer-enabled" : "peer-disabled"); }
Answer Daemon::handle(const AskRenamePeer& ask) { return change_peer(ask, "peer-renamed"); }
Answer Daemon::handle(const AskLimitPeer& ask) { return change_peer(ask, "peer-limited"); }

Answer Daemon::handle(const AskRekeyPeer& ask) {
    if (auto checked = check_endpoint(config_, file_.path()); !checked) return tl::unexpected(std::move(checked.error()));
    if (const ServerPeer* peer = config_.find_peer(ask.name)) usage_.move(peer->public_key, ask.public_key);
    const Answer done = change_peer(ask, "peer-rekeyed");
    return done ? hand_over(ask.name) : done;
}

Answer Daemon::hand_over(const std::string& name) const {
    const ServerPeer* peer = config_.find_peer(name);
    if (peer == nullptr) return refused(no_such_peer(name));
    return to_json(handover_of(config_, *peer));
}

Answer Daemon::handle(const AskResetPeer& ask) {
    const ServerPeer* peer = config_.find_peer(ask.name);
    if (peer == nullptr) return refused(no_such_peer(ask.name));
    if (ask.quota && !peer->limits.quota) return refused(ExitCode::failure, "peer " + config::quote(ask.name) + " has no quota");
    if (ask.quota) {
        usage_.reset(peer->public_key);
        engine_.set_peer(served(*peer, system::now().wall));
        log_.info("peer-quota-reset", {{"peer", ask.name}});
        return Json::object();
    }
    if (const auto id = engine_.find(peer->public_key)) engine_.forget_received_timestamp(*id);
    timestamps_.forget_received(peer->public_key);
    timestamps_.save();
    log_.info("peer-reset", {{"peer", ask.name}});
    return Json::object();
}

// --- another configuration ---------------------------------------------------------------------------------------------------

void Daemon::apply_peers(const ServerConfig& running, const ServerConfig& wanted) {
    const PeerDifference peers = difference(running, wanted);
    timestamps_.keep(peers.removed);
    for (const crypto::PublicKey& key : peers.removed) {
        if (const auto id = engine_.find(key)) engine_.remove_peer(*id);
        events_.forget(key);
    }
    follow_usage(wanted);
    const Wall now = system::now().wall;
    std::vector<crypto::PublicKey> added;
    std::vector<protocol::PeerConfig> configs;
    for (const ServerPeer* peer : peers.changed) {
        if (!engine_.find(peer->public_key)) added.push_back(peer->public_key);
        configs.push_back(served(*peer, now));
        if (configs.back().barred) events_.forget(peer->public_key);
    }
    engine_.set_peers(std::move(configs));
    engine_.restore(timestamps_.take(added));
}

void Daemon::name_peers() {
    names_.clear();
    for (const ServerPeer& peer : config_.peers) names_[peer.public_key] = peer.name;
    const auto known = [this](const crypto::PublicKey& key) { return names_.contains(key); };
    timestamps_.keep_only(known);
    whereabouts_.keep_only(known);
}

void Daemon::find_peers_again() {
    for (const Whereabouts& each : whereabouts_.kept()) {
        const auto id = engine_.find(each.peer);
        if (!id) continue;
        engine_.set_endpoint(*id, each.endpoint);
        if (each.own_key) engine_.restore_own_key(*id, *each.own_key); // if it is still ours
    }
    whereabouts_.greet(started_.wall, [this](const crypto::PublicKey& key) {
        const auto id = engine_.find(key);
        const auto status = id ? engine_.peer(*id) : std::nullopt;
        if (status && !status->barred && !status->can_send) engine_.want_handshake(*id);
    });
}

std::vector<Whereabouts> Daemon::whereabouts() const {
    std::vector<Whereabouts> all;
    for (const tun::PeerStatus& each : engine_.peers())
        if (each.endpoint && each.last_handshake)
            all.push_back({each.public_key, *each.endpoint, each.last_handshake->wall, each.own_key});
    return all;
}

protocol::PeerConfig Daemon::served(const ServerPeer& peer, Wall now) {
    protocol::PeerConfig result = peer_config(peer);
    const ByteCount used = usage_.of(peer.public_key);
    result.barred = why_barred(peer, used, now);
    result.quota_left = quota_left(peer, used);
    return result;
}

void Daemon::follow_usage(const ServerConfig& config) {
    std::vector<crypto::PublicKey> metered;
    for (const ServerPeer& peer : config.peers)
        if (peer.limits.quota) metered.push_back(peer.public_key);
    usage_.follow_only(metered);
}

void Daemon::look_at_expiries() {
    const Wall now = system::now().wall;
    std::optional<Wall> next = now + breath;
    try {
        next = follow_expiries(now);
    } catch (const std::bad_alloc&) { // again soon
    }
    expiry_timer_.cancel();
    if (!next) return;
    expiry_timer_.expires_after(std::min<Duration>(*next - now + std::chrono::milliseconds(1), clock_looked_at));
    expiry_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) look_at_expiries();
    });
}

std::optional<Wall> Daemon::follow_expiries(Wall now) {
    std::optional<Wall> next;
    std::vector<protocol::PeerConfig> changed;
    for (const ServerPeer& peer : config_.peers) {
        if (!peer.limits.expires) continue;
        if (*peer.limits.expires > now) next = std::min(next.value_or(*peer.limits.expires), *peer.limits.expires);
        const auto id = engine_.find(peer.public_key);
        const auto status = id ? engine_.peer(*id) : std::nullopt;
        protocol::PeerConfig wanted = served(peer, now);
        if (!status || status->barred == wanted.barred) continue;
        if (wanted.barred == protocol::Drop::peer_expired) log_.info("peer-expired", {{"peer", peer.name}});
        if (wanted.barred) events_.forget(peer.public_key);
        changed.push_back(std::move(wanted));
    }
    if (!changed.empty()) engine_.set_peers(std::move(changed));
    return next;
}

PeerActivity Daemon::activity_of(const ServerPeer& peer) {
    const auto id = engine_.find(peer.public_key);
    const auto status = id ? engine_.peer(*id) : std::nullopt;
    if (!status) return {};
    return {.endpoint = status->endpoint,
            .last_handshake = status->last_handshake,
            .received = status->received,
            .sent = status->sent,
            .handshakes = status->handshakes,
            .drops = status->drops,
            .barred = status->barred,
            .own_key = status->own_key,
            .used = usage_.of(peer.public_key),
            .online_since = events_.online_since(peer.public_key)};
}

} // namespace vpn::server
