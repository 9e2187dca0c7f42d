// The daemon's answers to `wg` and its like (PROTOCOL 4).
#include "common/system/memory_reserve.hpp"
#include "tun/uapi_answer.hpp"
#include "tun/uapi_conversation.hpp"
#include "vpn-server/daemon.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <unordered_set>

namespace vpn::server {
namespace {

int errno_for(const CommandError& error) {
    switch (error.code) {
    case ExitCode::no_permission: return EACCES;
    case ExitCode::bad_configuration: return EINVAL;
    default: return EIO;
    }
}

} // namespace

std::string Daemon::uapi_get() const {
    require_memory_to_tell();
    return tun::uapi_answer(engine_, mark_);
}

int Daemon::uapi_set(config::UapiSet set) {
    system::require_memory(tun::memory_to_set(set)); // beside what a change of so many peers needs
    const auto refuse = [this](int error, const std::string& why) {
        log_.warn("uapi-refused", {{"reason", why}});
        return error;
    };
    std::unordered_set<crypto::PublicKey> unserved;
    for (const tun::PeerStatus& peer : engine_.peers())
        if (peer.barred) unserved.insert(peer.public_key);
    auto plan = plan_uapi_set(config_, std::move(set), unserved);
    if (!plan) return refuse(plan.error().error, plan.error().why);
    const config::ServerInterface& interface = plan->wanted.interface;
    std::optional<tun::Sockets> sockets;
    if (interface.listen_port != config_.interface.listen_port) {
        auto opened = tun::Sockets::open(interface.listen_port, plan->mark.value_or(mark_), interface.offloads);
        if (!opened) return refuse(opened.error().code.value(), opened.error().message);
        sockets = std::move(*opened);
    }
    if (auto changed = change_all(std::move(*plan), std::move(sockets)); !changed)
        return refuse(errno_for(changed.error()), changed.error().message);
    return 0;
}

CommandResult<void> Daemon::change_all(UapiPlan plan, std::optional<tun::Sockets> sockets) {
    if (plan.mark && *plan.mark != mark_)
        if (const auto marked = engine_.set_mark(*plan.mark); !marked) return refused(marked.error());
    // A peer that changes is made anew from the file, which knows no keepalive.
    std::vector<protocol::PeerChange> keepalives;
    for (const tun::PeerStatus& peer : engine_.peers()) {
        if (peer.persistent_keepalive.count() == 0) continue;
        protocol::PeerChange& again = keepalives.emplace_back();
        again.public_key = peer.public_key;
        again.update_only = true;
        again.persistent_keepalive = peer.persistent_keepalive;
    }
    if (!(plan.wanted == config_)) {
        if (auto changed = change(std::move(plan.wanted)); !changed) {
            if (plan.mark && *plan.mark != mark_) static_cast<void>(engine_.set_mark(mark_));
            return changed;
        }
        log_.info("changed-by-wg", {{"peers", config_.peers.size()}});
    }
    mark_ = plan.mark.value_or(mark_);
    if (sockets) engine_.set_sockets(std::move(*sockets));
    std::ranges::move(plan.passing, std::back_inserter(keepalives)); // what is said now counts last
    if (!keepalives.empty()) engine_.change_peers(std::move(keepalives));
    return {};
}

} // namespace vpn::server
