// The daemon's part in a change of the server's own key (vpn-server(8), A NEW KEY).
#include "common/system/clocks.hpp"
#include "vpn-server/daemon.hpp"
#include "vpn-server/server_key.hpp"

#include <algorithm>
#include <chrono>

namespace vpn::server {

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
    if (auto ours = file_is_ours(); !ours) return tl::unexpected(std::move(ours.error()));
    tell_left_behind();
    if (auto changed = change(std::move(wanted)); !changed) return tl::unexpected(std::move(changed.error()));
    log_.info("old-key-ended");
    return keys_json(config_.interface, system::now().wall);
}

void Daemon::await_old_keys_end() {
    old_key_timer_.cancel();
    if (!config_.interface.old_key) return;
    const Duration left = config_.interface.old_key->expires - system::now().wall;
    old_key_timer_.expires_after(std::clamp<Duration>(left + std::chrono::milliseconds(1), Duration::zero(), clock_looked_at));
    old_key_timer_.async_wait([this](const boost::system::error_code& error) {
        const auto& old = config_.interface.old_key;
        if (error || !old) return;
        old->expires <= system::now().wall ? old_key_ended() : await_old_keys_end();
    });
}

void Daemon::old_key_ended() {
    tell_left_behind();
    config::ServerConfig wanted = config_.clone();
    wanted.interface.old_key.reset();
    if (const auto changed = change(std::move(wanted)); !changed) {
        log_.warn("old-key-still-in-file", {{"reason", changed.error().message}});
        config_.interface.old_key.reset();
        engine_.set_keys(own_keys(config_.interface, system::now().wall));
    }
    log_.info("old-key-ended");
}

void Daemon::tell_left_behind() {
    const crypto::PublicKey current = engine_.public_key();
    for (const tun::PeerStatus& peer : engine_.peers()) {
        const auto name = names_.find(peer.public_key);
        if (name == names_.end() || !peer.own_key || peer.own_key == current) continue;
        log_.warn("peer-left-behind", {{"peer", name->second}, {"used", "old-key"}});
        events_.forget(peer.public_key); // when it comes again, it has come anew
    }
}

} // namespace vpn::server
