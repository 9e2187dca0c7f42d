#include "vpn-client/uapi_device.hpp"

#include "common/system/link.hpp"
#include "common/system/memory_reserve.hpp"
#include "tun/uapi_answer.hpp"
#include "tun/uapi_conversation.hpp"

#include <algorithm>
#include <utility>

namespace vpn::client {
namespace {

protocol::PeerChange change_of(config::UapiPeer&& peer) {
    protocol::PeerChange change{.public_key = peer.public_key,
                                .remove = peer.remove,
                                .update_only = peer.update_only,
                                .replace_allowed_ips = peer.replace_allowed_ips,
                                .allowed_ips = {},
                                .preshared_key = std::move(peer.preshared_key),
                                .endpoint = peer.endpoint,
                                .persistent_keepalive = peer.persistent_keepalive};
    change.allowed_ips.reserve(peer.allowed_ips.size());
    for (const config::UapiAllowedIp& each : peer.allowed_ips) change.allowed_ips.push_back({each.prefix, each.remove});
    return change;
}

} // namespace

UapiDevice::UapiDevice(boost::asio::io_context& loop, Parts parts, system::Logger log)
    : log_(std::move(log)), netlink_(std::move(parts.netlink)) {
    tun::EngineObserver& observer = *this;
    engine_ = std::make_unique<tun::Engine>(loop, tun::Wiring{std::move(parts.device), std::move(parts.sockets), parts.mtu},
                                            crypto::PrivateKey(), random_, observer);
}

std::string UapiDevice::get() const { return tun::uapi_answer(*engine_, mark_); }

int UapiDevice::set(config::UapiSet set) {
    system::require_memory(tun::memory_to_set(set));
    // What the kernel may refuse comes first, so that nothing has changed then.
    auto sockets = open_sockets(set);
    const auto refuse = [this](const system::OsError& error) {
        log_.warn("uapi-refused", {{"error", error.message}});
        return error.code.value();
    };
    if (!sockets) return refuse(sockets.error());
    if (set.mark && *set.mark != mark_)
        if (const auto marked = engine_->set_mark(*set.mark); !marked) return refuse(marked.error());
    mark_ = set.mark.value_or(mark_);
    if (*sockets) engine_->set_sockets(std::move(**sockets));
    if (set.listen_port) any_port_ = set.listen_port->value == 0;

    if (set.private_key) engine_->set_keys(std::move(*set.private_key));
    std::vector<protocol::PeerChange> changes;
    if (set.replace_peers) changes = removal_of_all_peers();
    for (config::UapiPeer& peer : set.peers) changes.push_back(change_of(std::move(peer)));
    if (!changes.empty()) engine_->change_peers(std::move(changes));
    return 0;
}

system::OsResult<std::optional<tun::Sockets>> UapiDevice::open_sockets(const config::UapiSet& set) const {
    const bool stays = !set.listen_port || *set.listen_port == engine_->port() || (set.listen_port->value == 0 && any_port_);
    if (stays) return std::nullopt;
    auto sockets = tun::Sockets::open(*set.listen_port, set.mark.value_or(mark_));
    if (!sockets) return tl::unexpected(std::move(sockets.error()));
    return std::move(*sockets);
}

std::vector<protocol::PeerChange> UapiDevice::removal_of_all_peers() const {
    const protocol::Device& conversation = engine_->conversation();
    std::vector<protocol::PeerChange> changes;
    for (const protocol::PeerId id : conversation.peers()) {
        protocol::PeerChange& change = changes.emplace_back();
        change.public_key = conversation.peer(id)->identity().public_key;
        change.remove = true;
    }
    return changes;
}

void UapiDevice::on_event(const protocol::Event& event) {
    if (event.kind != protocol::EventKind::handshake_complete || !log_.enabled(system::LogLevel::debug)) return;
    const protocol::Peer* peer = engine_->conversation().peer(event.peer);
    if (peer != nullptr) log_.debug("handshake-complete", {{"peer", peer->identity().public_key}});
}

void UapiDevice::on_network_changed(const std::vector<system::NetlinkEvent>& events) {
    using Kind = system::NetlinkEvent::Kind;
    const bool ours = std::ranges::any_of(events, [this](const system::NetlinkEvent& event) {
        return event.kind == Kind::lost || (event.kind == Kind::link_changed && event.interface == engine_->interface_index());
    });
    if (!ours) return;
    // In another network namespace it is not found any more, and keeps the MTU that it had.
    if (const auto link = system::find_link(netlink_, engine_->interface_index())) engine_->set_mtu(link->mtu);
}

} // namespace vpn::client
