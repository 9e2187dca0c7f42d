#include "vpn-server/peer_store.hpp"

#include "common/crypto/system_random.hpp"
#include "tun/timestamp_store.hpp"
#include "vpn-server/door.hpp"
#include "vpn-server/paths.hpp"
#include "vpn-server/status_report.hpp"

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

CommandResult<void> PeerStore::remove(const std::string& name) {
    return nothing_but_done(daemon_or(file_.path(), AskRemovePeer{name}, [&]() -> Answer {
        const auto edited = edit_file([&](ServerConfig& config) -> Result<void> {
            const auto removed = std::erase_if(config.peers, [&](const ServerPeer& peer) { return peer.name == name; });
            if (removed == 0) return tl::unexpected(no_such_peer(name));
            return {};
        });
        if (!edited) return tl::unexpected(edited.error());
        return Json::object();
    }));
}

CommandResult<void> PeerStore::reset(const std::string& name) {
    return nothing_but_done(daemon_or(file_.path(), AskResetPeer{name}, [&]() -> Answer {
        const auto content = file_.load();
        if (!content) return tl::unexpected(content.error());
        const ServerPeer* peer = content->config.find_peer(name);
        if (peer == nullptr) return refused(no_such_peer(name));
        if (auto forgotten = forget_received(content->config, *peer); !forgotten) return refused(forgotten.error());
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
    return Listing{peers_json(content->config), false};
}

} // namespace vpn::server
