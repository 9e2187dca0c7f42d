#include "vpn-server/peer_store.hpp"

#include "common/config/error.hpp"
#include "common/crypto/system_random.hpp"
#include "common/system/progress.hpp"
#include "tun/timestamp_store.hpp"
#include "vpn-server/daemon_or_file.hpp"
#include "vpn-server/paths.hpp"
#include "vpn-server/peer_edit.hpp"
#include "vpn-server/status_report.hpp"
#include "vpn-server/usage_store.hpp"
#include "vpn-server/whereabouts_store.hpp"

#include "common/system/clocks.hpp"

#include <optional>

namespace vpn::server {
namespace {

using config::Json;
using config::ServerConfig;
using config::ServerPeer;

CommandResult<void> nothing_but_done(const Answer& answer) {
    if (!answer) return tl::unexpected(answer.error());
    return {};
}

CommandResult<Handover> handed_over(const Answer& answer) {
    if (!answer) return tl::unexpected(answer.error());
    auto handover = handover_from(*answer);
    if (!handover) return refused(ExitCode::failure, "the daemon's answer is not understood; it may be of another version");
    return std::move(*handover);
}

Result<void> forget_received(const ServerConfig& config, const ServerPeer& peer) {
    const tun::TimestampStore store(timestamps_path(config.interface.name));
    auto timestamps = store.load();
    if (!timestamps) return tl::unexpected(timestamps.error());
    for (protocol::Timestamps& each : *timestamps)
        if (each.peer == peer.public_key) each.received = {};
    if (timestamps->empty()) return {};
    return store.save(*timestamps);
}

Result<void> forget_usage(const ServerConfig& config, const ServerPeer& peer) {
    if (!peer.limits.quota) return failed("peer " + config::quote(peer.name) + " has no quota");
    const UsageStore store(usage_path(config.interface.name));
    auto usage = store.load();
    if (!usage) return tl::unexpected(usage.error());
    if (usage->erase(peer.public_key) == 0) return {};
    return store.save(*usage);
}

/// What was used under one key counts for another.
Result<void> move_usage(const std::string& interface, const crypto::PublicKey& from, const crypto::PublicKey& to) {
    const UsageStore store(usage_path(interface));
    auto usage = store.load();
    if (!usage) return tl::unexpected(usage.error());
    const auto used = usage->extract(from);
    if (used.empty()) return {};
    (*usage)[to] = used.mapped();
    return store.save(*usage);
}

} // namespace

CommandResult<void> PeerStore::edit_file(const Edit& edit) {
    auto content = file_.load();
    if (!content) return tl::unexpected(std::move(content.error()));
    if (auto edited = edit(content->config); !edited) return refused(edited.error());
    if (auto saved = file_.save(content->config); !saved) return tl::unexpected(std::move(saved.error()));
    return {};
}

CommandResult<ConfigFile::Content> PeerStore::load_with_endpoint() {
    auto content = file_.load();
    if (!content) return content;
    if (auto checked = check_endpoint(content->config, file_.path()); !checked) return tl::unexpected(std::move(checked.error()));
    return content;
}

CommandResult<Handover> PeerStore::add(const PeerRequest& request) {
    return handed_over(daemon_or(file_.path(), AskAddPeer{request}, [&]() -> Answer {
        auto content = load_with_endpoint();
        if (!content) return tl::unexpected(std::move(content.error()));
        crypto::SystemRandom random;
        auto peer = plan_peer(content->config, request, random);
        if (!peer) return refused(peer.error());
        content->config.peers.push_back(std::move(*peer));
        if (auto saved = file_.save(content->config); !saved) return tl::unexpected(std::move(saved.error()));
        return to_json(handover_of(content->config, content->config.peers.back()));
    }));
}

CommandResult<Handover> PeerStore::rekey(const AskRekeyPeer& ask) {
    return handed_over(daemon_or(file_.path(), ask, [&]() -> Answer {
        auto content = load_with_endpoint();
        if (!content) return tl::unexpected(std::move(content.error()));
        ServerConfig& config = content->config;
        const ServerPeer* before = config.find_peer(ask.name);
        const auto metered = before != nullptr && before->limits.quota ? std::optional(before->public_key) : std::nullopt;
        crypto::SystemRandom random;
        if (auto edited = edit(config, ask, random); !edited) return refused(edited.error());
        if (auto moved = metered ? move_usage(config.interface.name, *metered, ask.public_key) : Result<void>(); !moved)
            return refused(moved.error());
        if (auto saved = file_.save(config); !saved) return tl::unexpected(std::move(saved.error()));
        return to_json(handover_of(config, *config.find_peer(ask.name)));
    }));
}

template <class Ask> CommandResult<void> PeerStore::change_with(const Ask& ask) {
    return nothing_but_done(daemon_or(file_.path(), ask, [&]() -> Answer {
        crypto::SystemRandom random;
        const auto edited = edit_file([&](ServerConfig& config) { return edit(config, ask, random); });
        if (!edited) return tl::unexpected(edited.error());
        return Json::object();
    }));
}

template CommandResult<void> PeerStore::change_with(const AskRemovePeer& ask);
template CommandResult<void> PeerStore::change_with(const AskEnablePeer& ask);
template CommandResult<void> PeerStore::change_with(const AskRenamePeer& ask);
template CommandResult<void> PeerStore::change_with(const AskLimitPeer& ask);

CommandResult<void> PeerStore::reset(const AskResetPeer& ask) {
    return nothing_but_done(daemon_or(file_.path(), ask, [&]() -> Answer {
        const auto content = file_.load();
        if (!content) return tl::unexpected(content.error());
        const ServerPeer* peer = content->config.find_peer(ask.name);
        if (peer == nullptr) return refused(no_such_peer(ask.name));
        const auto forgotten = ask.quota ? forget_usage(content->config, *peer) : forget_received(content->config, *peer);
        if (!forgotten) return refused(forgotten.error());
        return Json::object();
    }));
}

CommandResult<PeerStore::Listing> PeerStore::list() {
    const system::Progress progress("reading " + file_.path());
    auto door = Door::find(file_.path());
    if (!door) return tl::unexpected(std::move(door.error()));
    if (*door) {
        auto answer = (*door)->ask(AskStatus{});
        if (!answer) return tl::unexpected(std::move(answer.error()));
        return Listing{std::move(*answer), true};
    }
    const auto content = file_.load();
    if (!content) return tl::unexpected(content.error());
    const std::string& interface = content->config.interface.name;
    const auto usage = UsageStore(usage_path(interface)).load();
    const auto seen = WhereaboutsStore(whereabouts_path(interface)).load();
    return Listing{peers_json(content->config, usage.value_or(Usage()), seen.value_or(std::vector<Whereabouts>()), system::now()),
                   false};
}

} // namespace vpn::server
