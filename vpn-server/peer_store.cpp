#include "vpn-server/peer_store.hpp"

#include "common/config/error.hpp"
#include "common/crypto/system_random.hpp"
#include "tun/timestamp_store.hpp"
#include "vpn-server/door.hpp"
#include "vpn-server/paths.hpp"
#include "vpn-server/peer_edit.hpp"
#include "vpn-server/status_report.hpp"
#include "vpn-server/usage_store.hpp"

#include "common/system/clocks.hpp"

#include <optional>
#include <type_traits>

namespace vpn::server {
namespace {

using config::Json;
using config::ServerConfig;
using config::ServerPeer;

/// Asks the daemon, or does `otherwise` while none can start.
template <class Otherwise> Answer daemon_or(const std::string& config_file, const Request& request, Otherwise otherwise) {
    auto door = Door::find(config_file);
    if (!door) return tl::unexpected(std::move(door.error()));
    if (*door) return (*door)->ask(request);
    auto lock = EditLock::take(config_file);
    if (lock) {
        door = Door::find(config_file); // one that was starting when we first looked
        if (!door) return tl::unexpected(std::move(door.error()));
        if (*door) {
            lock->release();
            return (*door)->ask(request);
        }
    }
    return otherwise(); // without the lock there is no such directory, and reading the file says so
}

CommandResult<void> nothing_but_done(const Answer& answer) {
    if (!answer) return tl::unexpected(answer.error());
    return {};
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

CommandResult<std::string> PeerStore::add(const PeerRequest& request) {
    const Answer answer = daemon_or(file_.path(), AskAddPeer{request}, [&]() -> Answer {
        std::string name;
        crypto::SystemRandom random;
        const auto edited = edit_file([&](ServerConfig& config) -> Result<void> {
            auto peer = plan_peer(config, request, random);
            if (!peer) return tl::unexpected(peer.error());
            name = peer->name;
            config.peers.push_back(std::move(*peer));
            return {};
        });
        if (!edited) return tl::unexpected(edited.error());
        return Json::object({{"name", name}});
    });
    if (!answer) return tl::unexpected(answer.error());
    return std::string(answer->string_at("name").value_or(""));
}

template <class Ask> CommandResult<void> PeerStore::change_with(const Ask& ask) {
    return nothing_but_done(daemon_or(file_.path(), ask, [&]() -> Answer {
        crypto::SystemRandom random;
        std::string interface;
        std::optional<crypto::PublicKey> metered;
        const auto edited = edit_file([&](ServerConfig& config) -> Result<void> {
            interface = config.interface.name;
            if (const ServerPeer* peer = config.find_peer(ask.name); peer != nullptr && peer->limits.quota)
                metered = peer->public_key;
            return edit(config, ask, random);
        });
        if (!edited) return tl::unexpected(edited.error());
        if constexpr (std::is_same_v<Ask, AskRekeyPeer>)
            if (auto moved = metered ? move_usage(interface, *metered, ask.public_key) : Result<void>(); !moved)
                return refused(moved.error());
        return Json::object();
    }));
}

template CommandResult<void> PeerStore::change_with(const AskRemovePeer& ask);
template CommandResult<void> PeerStore::change_with(const AskEnablePeer& ask);
template CommandResult<void> PeerStore::change_with(const AskRenamePeer& ask);
template CommandResult<void> PeerStore::change_with(const AskRekeyPeer& ask);
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
    auto door = Door::find(file_.path());
    if (!door) return tl::unexpected(std::move(door.error()));
    if (*door) {
        auto answer = (*door)->ask(AskStatus{});
        if (!answer) return tl::unexpected(std::move(answer.error()));
        return Listing{std::move(*answer), true};
    }
    const auto content = file_.load();
    if (!content) return tl::unexpected(content.error());
    const auto usage = UsageStore(usage_path(content->config.interface.name)).load();
    return Listing{peers_json(content->config, usage.value_or(Usage()), system::now()), false};
}

} // namespace vpn::server
