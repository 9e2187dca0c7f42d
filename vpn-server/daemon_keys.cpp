// The daemon's part in a change of the server's own key (vpn-server(8), A NEW KEY).
#include "common/system/clocks.hpp"
#include "vpn-server/daemon.hpp"
#include "vpn-server/server_key.hpp"

#include <algorithm>
#include <chrono>
#include <new>

namespace vpn::server {
namespace {

/// Until what memory did not suffice for is tried again.
constexpr std::chrono::seconds breath{1};

} // namespace

Answer Daemon::handle(const AskRekey& ask) {
    const Wall now = system::now().wall;
    config::ServerConfig wanted = config_.clone();
    if (auto made = rekey(wanted, ask.grace, now, random_); !made) return refused(made.error());
    if (auto changed = change(std::move(wanted)); !changed) return tl::unexpected(std::move(changed.error()));
    const auto& old = config_.interface.old_key;
    log_.info("rekeyed", {{"public_key", engine_.public_key()},
                          {"old_key_expires", old ? config::format_instant(old->expires) : std::string("now")}});
    return keys_json(config_.interface, now);
}

Answer Daemon::handle(const AskEndOldKey&) {
    config::ServerConfig wanted = config_.clone();
    if (auto ended = end_old_key(wanted); !ended) return refused(ended.error());
    const auto left_behind = peers_on_old_key();
    if (auto changed = change(std::move(wanted)); !changed) return tl::unexpected(std::move(changed.error()));
    tell_left_behind(left_behind);
    log_.info("old-key-ended");
    return keys_json(config_.interface, system::now().wall);
}

void Daemon::await_old_keys_end(Duration at_least) {
    old_key_timer_.cancel();
    if (!config_.interface.old_key) {
        old_key_is_over_ = false;
        return;
    }
    const Duration left = config_.interface.old_key->expires - system::now().wall;
    const Duration soonest = old_key_is_over_ ? clock_looked_at : at_least; // what could not be written is tried again
    old_key_timer_.expires_after(std::clamp<Duration>(left + std::chrono::milliseconds(1), soonest, clock_looked_at));
    old_key_timer_.async_wait([this](const boost::system::error_code& error) {
        const auto& old = config_.interface.old_key;
        if (error || !old) return;
        if (old->expires > system::now().wall) return await_old_keys_end();
        try {
            old_key_ended();
        } catch (const std::bad_alloc&) {
            await_old_keys_end(breath);
        }
    });
}

void Daemon::old_key_ended() {
    if (!old_key_is_over_) {
        const auto left_behind = peers_on_old_key();
        engine_.set_keys(own_keys(config_.interface, system::now().wall)); // whatever becomes of the file
        old_key_is_over_ = true;
        tell_left_behind(left_behind);
        log_.info("old-key-ended");
    }
    config::ServerConfig wanted = config_.clone();
    wanted.interface.old_key.reset();
    if (const auto changed = change(std::move(wanted)); !changed) {
        log_.warn("old-key-still-in-file", {{"reason", changed.error().message}});
        await_old_keys_end();
    }
}

std::vector<crypto::PublicKey> Daemon::peers_on_old_key() const {
    const crypto::PublicKey current = engine_.public_key();
    std::vector<crypto::PublicKey> keys;
    for (const tun::PeerStatus& peer : engine_.peers())
        if (peer.own_key && peer.own_key != current) keys.push_back(peer.public_key);
    return keys;
}

void Daemon::tell_left_behind(const std::vector<crypto::PublicKey>& peers) {
    for (const crypto::PublicKey& peer : peers) {
        const auto name = names_.find(peer);
        if (name == names_.end()) continue;
        log_.warn("peer-left-behind", {{"peer", name->second}, {"used", "old-key"}});
        events_.forget(peer); // when it comes again, it has come anew
    }
}

} // namespace vpn::server
