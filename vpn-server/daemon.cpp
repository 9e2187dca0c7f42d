#include "vpn-server/daemon.hpp"

#include "common/system/clocks.hpp"
#include "common/system/thread_times.hpp"
#include "vpn-server/difference.hpp"
#include "vpn-server/metrics.hpp"
#include "vpn-server/paths.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace vpn::server {
namespace {

using config::Json;
using config::ServerConfig;
using config::ServerPeer;

/// A link that comes up changes many things at once: look when it is over.
constexpr std::chrono::milliseconds settling{200};

/// A command may have another directory than the daemon.
std::string absolute_path(const ConfigFile& file) {
    std::error_code error; // the directory that it is relative to may have gone
    const auto path = std::filesystem::absolute(file.path(), error);
    return error ? file.path() : path.string();
}

/// Default routes may have moved.
bool may_move_uplinks(const system::NetlinkEvent& event) {
    using Kind = system::NetlinkEvent::Kind;
    return event.kind != Kind::address_added && event.kind != Kind::address_removed;
}

} // namespace

Daemon::Daemon(boost::asio::io_context& loop, const system::Logger& log, Random& random, DaemonParts parts)
    : loop_(loop), log_(log), random_(random), file_(std::move(parts.file)), config_(std::move(parts.content.config)),
      digest_(parts.content.digest), mtu_(parts.mtu), started_(system::now()), network_(std::move(parts.network)), events_(log),
      network_timer_(loop), engine_(loop, tun::Wiring{std::move(parts.device), std::move(parts.sockets), mtu_},
                                    config_.interface.private_key.clone(), random, *this),
      timestamps_(loop, tun::TimestampStore(timestamps_path(config_.interface.name)), log,
                  [this] { return engine_.timestamps(); }),
      metrics_door_(loop, [this] { return metrics(); }) {
    name_peers();
    apply_peers(ServerConfig(), config_);
    // Peers matter more than numbers about them.
    auto opened = metrics_door_.open(config_.metrics);
    if (!opened) log_.error("no-metrics", {{"reason", opened.error().message}});
    if (opened) metrics_door_.use(config_.metrics, std::move(*opened));
}

Daemon::~Daemon() { timestamps_.save(); }

// --- what the engine tells ---------------------------------------------------------------------------------------------------

void Daemon::on_event(const protocol::Event& event) {
    if (event.kind == protocol::EventKind::handshake_complete) ++handshakes_;
    const auto peer = engine_.peer(event.peer);
    if (!peer) return;
    const auto name = names_.find(peer->public_key);
    if (name != names_.end()) events_.tell(event.kind, name->second, *peer, system::now().boot);
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
    look_pending_ = true;
    network_timer_.expires_after(settling);
    network_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        look_pending_ = false;
        look_again();
    });
}

void Daemon::look_again() {
    const auto changed = network_.look_again(config_);
    if (!changed) log_.error("rules-not-changed", {{"reason", changed.error().message}});
    if (changed && *changed) log_.info("uplink-changed", {{"ipv4", network_.uplinks().v4}, {"ipv6", network_.uplinks().v6}});
}

// --- what commands ask -------------------------------------------------------------------------------------------------------

std::string Daemon::handle_line(std::string_view line) {
    const auto request = decode_request(line);
    if (!request) return encode(Answer(refused(request.error())));
    return encode(std::visit([this](const auto& ask) { return handle(ask); }, *request));
}

Answer Daemon::handle(const AskConfigFile&) { return Json::object({{"config", absolute_path(file_)}}); }

Answer Daemon::handle(const AskStatus&) { return status_json(status(), system::now()); }

StatusReport Daemon::status() const {
    StatusReport report{.config_file = absolute_path(file_),
                        .interface = engine_.interface_name(),
                        .public_key = engine_.public_key(),
                        .port = engine_.port(),
                        .mtu = mtu_,
                        .started = started_,
                        .peers = {},
                        .drops = engine_.drops()};
    report.peers.reserve(config_.peers.size());
    for (const ServerPeer& peer : config_.peers) report.peers.push_back({&peer, activity_of(peer)});
    return report;
}

std::string Daemon::metrics() const {
    return metrics_text(status(), {handshakes_, engine_.queues(), system::thread_times()}, system::now());
}

Answer Daemon::handle(const AskReload&) {
    const std::size_t before = config_.peers.size();
    if (auto reloaded = reload(); !reloaded) return tl::unexpected(std::move(reloaded.error()));
    return Json::object({{"peers_before", before}, {"peers", config_.peers.size()}});
}

Answer Daemon::handle(const AskAddPeer& ask) {
    auto peer = plan_peer(config_, ask.peer, random_);
    if (!peer) return refused(peer.error());
    std::string name = peer->name;
    ServerConfig wanted = config_.clone();
    wanted.peers.push_back(std::move(*peer));
    if (auto changed = change(std::move(wanted)); !changed) return tl::unexpected(std::move(changed.error()));
    log_.info("peer-added", {{"peer", name}});
    return Json::object({{"name", std::move(name)}});
}

Answer Daemon::handle(const AskRemovePeer& ask) {
    ServerConfig wanted = config_.clone();
    const auto removed = std::erase_if(wanted.peers, [&](const ServerPeer& peer) { return peer.name == ask.name; });
    if (removed == 0) return refused(no_such_peer(ask.name));
    if (auto changed = change(std::move(wanted)); !changed) return tl::unexpected(std::move(changed.error()));
    log_.info("peer-removed", {{"peer", ask.name}});
    return Json::object();
}

Answer Daemon::handle(const AskResetPeer& ask) {
    const ServerPeer* peer = config_.find_peer(ask.name);
    if (peer == nullptr) return refused(no_such_peer(ask.name));
    if (const auto id = engine_.find(peer->public_key)) engine_.forget_received_timestamp(*id);
    timestamps_.forget_received(peer->public_key);
    timestamps_.save();
    log_.info("peer-reset", {{"peer", ask.name}});
    return Json::object();
}

// --- another configuration ---------------------------------------------------------------------------------------------------

CommandResult<void> Daemon::reload() {
    auto content = file_.load();
    if (!content) {
        log_.error("reload-refused", {{"reason", content.error().message}});
        return tl::unexpected(std::move(content.error()));
    }
    if (auto restart = needs_restart(config_, content->config)) {
        log_.error("reload-refused", {{"reason", *restart}});
        return refused(ExitCode::failure, std::move(*restart));
    }
    if (auto adopted = adopt(std::move(content->config)); !adopted) {
        log_.error("reload-refused", {{"reason", adopted.error().message}});
        return adopted;
    }
    digest_ = content->digest;
    log_.info("reloaded", {{"peers", config_.peers.size()}});
    return {};
}

CommandResult<void> Daemon::change(ServerConfig wanted) {
    if (auto ours = file_is_ours(); !ours) return ours;
    const auto saved = file_.save(wanted);
    if (!saved) return tl::unexpected(saved.error());
    if (auto adopted = adopt(std::move(wanted)); !adopted) {
        if (const auto back = file_.save(config_)) digest_ = *back;
        return adopted;
    }
    digest_ = *saved;
    return {};
}

CommandResult<void> Daemon::file_is_ours() const {
    const auto on_disk = file_.digest();
    if (!on_disk) return tl::unexpected(on_disk.error());
    if (*on_disk == digest_) return {};
    return refused(ExitCode::failure, file_.path() + " changed on disk since the server read it: run `vpn-server reload` first");
}

CommandResult<void> Daemon::adopt(ServerConfig wanted) {
    auto opened = metrics_door_.open(wanted.metrics);
    if (!opened) return refused(opened.error());
    if (auto changed = network_.change(wanted); !changed) return refused(changed.error());
    mtu_ = network_.mtu();
    engine_.set_mtu(mtu_);
    if (!equal_in_constant_time(config_.interface.private_key, wanted.interface.private_key))
        engine_.set_private_key(wanted.interface.private_key.clone());
    apply_peers(config_, wanted);
    metrics_door_.use(wanted.metrics, std::move(*opened));
    config_ = std::move(wanted);
    name_peers();
    return {};
}

void Daemon::apply_peers(const ServerConfig& running, const ServerConfig& wanted) {
    const PeerDifference peers = difference(running, wanted);
    timestamps_.note();
    for (const crypto::PublicKey& key : peers.removed) {
        if (const auto id = engine_.find(key)) engine_.remove_peer(*id);
        events_.forget(key);
    }
    std::vector<crypto::PublicKey> added;
    std::vector<protocol::PeerConfig> configs;
    for (const ServerPeer* peer : peers.changed) {
        if (!engine_.find(peer->public_key)) added.push_back(peer->public_key);
        configs.push_back(peer_config(*peer));
    }
    engine_.set_peers(std::move(configs));
    engine_.restore(timestamps_.of(added));
}

void Daemon::name_peers() {
    names_.clear();
    for (const ServerPeer& peer : config_.peers) names_[peer.public_key] = peer.name;
    timestamps_.keep_only([this](const crypto::PublicKey& key) { return names_.contains(key); });
}

PeerActivity Daemon::activity_of(const ServerPeer& peer) const {
    const auto id = engine_.find(peer.public_key);
    const auto status = id ? engine_.peer(*id) : std::nullopt;
    if (!status) return {};
    return {.endpoint = status->endpoint,
            .last_handshake = status->last_handshake,
            .received = status->received,
            .sent = status->sent,
            .handshakes = status->handshakes,
            .drops = status->drops};
}

} // namespace vpn::server
