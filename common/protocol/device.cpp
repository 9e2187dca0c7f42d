#include "common/protocol/device.hpp"

#include <variant>

namespace vpn::protocol {
namespace {

template <class... Fs> struct Overloaded : Fs... { using Fs::operator()...; };
template <class... Fs> Overloaded(Fs...) -> Overloaded<Fs...>;

/// What was refused counts against the peer whose it was, too.
Checked<void> counted(Checked<void> result, const Peer& peer) {
    if (!result) peer.activity()->count_drop(result.error());
    return result;
}

} // namespace

Device::Device(OwnKeys keys, Random& random) : ours_(std::move(keys)), random_(random) {}

// --- configuration -----------------------------------------------------------------------------------------------------------

void Device::set_keys(OwnKeys keys, Now now, Outbox& out) {
    if (keys == ours_) return;
    ours_ = std::move(keys);
    for (const noise::KeyPair* ours : {&ours_.current(), ours_.old()})
        if (const auto ourselves = ours != nullptr ? find(ours->public_key) : std::nullopt) remove_peer(*ourselves, now, out);
    for (const PeerId id : peers()) with_peer(id, [&](Peer& peer) { peer.adopt_own_keys(context(now, out)); });
}

std::optional<PeerId> Device::set_peer(PeerConfig config, Now now, Outbox& out) {
    if (ours_.find(config.public_key) != nullptr) return std::nullopt;
    auto known = find(config.public_key);
    if (!known) {
        known = add_peer(config.public_key, config.preshared_key.clone(), config.suite, out);
    } else {
        allowed_ips_.remove_all(*known);
    }
    if (!config.barred)
        for (const Prefix& prefix : config.allowed_ips) allowed_ips_.assign(prefix, *known);
    out.routes_changed = true;
    with_peer(*known, [&](Peer& peer) {
        peer.set_preshared_key(std::move(config.preshared_key));
        peer.activity()->set_quota_left(config.quota_left);
        peer.activity()->sending_rate().set_rate(config.rate);
        peer.activity()->receiving_rate().set_rate(config.rate);
        peer.set_barred(config.barred, context(now, out));
        peer.set_suite(config.suite, context(now, out));
        peer.set_asks_other_suite(config.asks_other_suite_after);
        if (config.endpoint && (!peer.path() || peer.path()->remote != *config.endpoint))
            peer.set_endpoint(*config.endpoint, context(now, out));
        peer.set_persistent_keepalive(config.persistent_keepalive, context(now, out));
    });
    return known;
}

PeerId Device::add_peer(const crypto::PublicKey& key, crypto::PresharedKey preshared, Suite suite, Outbox& out) {
    const PeerId id{next_id_++};
    auto peer = std::make_unique<Peer>(id, key, std::move(preshared), suite);
    out.actions.emplace_back(AddPeer{id, peer->activity()});
    by_key_[key] = id;
    peers_[id] = std::move(peer);
    return id;
}

std::optional<PeerId> Device::change_peer(PeerChange change, Now now, Outbox& out) {
    if (ours_.find(change.public_key) != nullptr) return std::nullopt;
    auto known = find(change.public_key);
    if (change.remove && known) remove_peer(*known, now, out);
    if (change.remove || (!known && change.update_only)) return std::nullopt;
    if (!known) known = add_peer(change.public_key, {}, Suite::wireguard, out);
    if (change.replace_allowed_ips) allowed_ips_.remove_all(*known);
    for (const PeerChange::AllowedIp& each : change.allowed_ips) {
        if (each.remove)
            allowed_ips_.remove(each.prefix, *known);
        else
            allowed_ips_.assign(each.prefix, *known);
    }
    out.routes_changed = out.routes_changed || change.replace_allowed_ips || !change.allowed_ips.empty();
    with_peer(*known, [&](Peer& peer) {
        if (change.preshared_key) peer.set_preshared_key(std::move(*change.preshared_key));
        if (change.endpoint) peer.set_endpoint(*change.endpoint, context(now, out));
        if (change.persistent_keepalive) peer.set_persistent_keepalive(*change.persistent_keepalive, context(now, out));
    });
    return known;
}

void Device::set_endpoint(PeerId id, const Endpoint& endpoint, Now now, Outbox& out) {
    with_peer(id, [&](Peer& peer) { peer.set_endpoint(endpoint, context(now, out)); });
}

void Device::remove_peer(PeerId id, Now now, Outbox& out) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    found->second->leave(context(now, out));
    allowed_ips_.remove_all(id);
    out.routes_changed = true;
    by_key_.erase(found->second->identity().public_key);
    if (const auto scheduled = scheduled_.find(id); scheduled != scheduled_.end()) {
        deadlines_.erase({scheduled->second, id});
        scheduled_.erase(scheduled);
    }
    peers_.erase(found);
}

void Device::bar(PeerId id, Drop reason, Now now, Outbox& out) {
    with_peer(id, [&](Peer& peer) { peer.set_barred(reason, context(now, out)); });
    allowed_ips_.remove_all(id);
    out.routes_changed = true;
}

void Device::forget_received_timestamp(PeerId id) {
    with_peer(id, [](Peer& peer) { peer.forget_received_timestamp(); });
}

void Device::restore(const std::vector<Timestamps>& timestamps) {
    for (const Timestamps& each : timestamps)
        if (const auto id = find(each.peer)) peers_.at(*id)->restore(each);
}

void Device::restore_own_key(PeerId id, const crypto::PublicKey& key) {
    if (ours_.find(key) == nullptr) return;
    with_peer(id, [&](Peer& peer) { peer.restore_own_key(key); });
}

std::vector<Timestamps> Device::timestamps() const {
    std::vector<Timestamps> all;
    all.reserve(peers_.size());
    for (const auto& [id, peer] : peers_) all.push_back(peer->timestamps());
    return all;
}

// --- input -------------------------------------------------------------------------------------------------------------------

Checked<void> Device::handle_handshake(Bytes datagram, const Path& from, QueueFill queue, Now now, Outbox& out) {
    if (private_key().is_zero()) return dropped(Drop::bad_mac1); // everybody knows the public key of that
    const auto message = decode(datagram);
    if (!message) return dropped(message.error());
    const bool loaded = load_.under_load(queue.waiting, queue.capacity, now.boot);
    const Context with = context(now, out);
    const auto guarded = [&](const auto& view, auto handle) -> Checked<void> {
        if (loaded && !cookies_.mac2_is_valid(view.macs(), from.remote, now.boot)) {
            send_cookie(view.macs(), view.sender(), from, with);
            return dropped(Drop::bad_mac2);
        }
        if (loaded && !limiter_.allow(from.remote.address, now.boot)) return dropped(Drop::rate_limited);
        return handle(view);
    };
    return std::visit(Overloaded{
                          [&](const InitiationView& view) {
                              return guarded(view, [&](const InitiationView& each) {
                                  return handle_initiation(each, from, queue.memory_is_short, with);
                              });
                          },
                          [&](const ResponseView& view) {
                              return guarded(view, [&](const ResponseView& each) { return handle_response(each, from, with); });
                          },
                          [&](const CookieReplyView& view) { return handle_cookie_reply(view, with); },
                          [](const DataView&) -> Checked<void> { return dropped(Drop::malformed); }, // data has another way in
                      },
                      *message);
}

void Device::send_cookie(MacFields<const std::byte> macs, std::uint32_t sender, const Path& from, Context with) {
    ByteVector reply(cookie_reply_size);
    cookies_.write_reply(ours_.mac_keys().meant_by(macs), macs, RemoteIndex{sender}, from.remote, with.now.boot, random_, reply);
    with.out.actions.emplace_back(SendDatagram{std::move(reply), from});
}

Checked<void> Device::handle_initiation(const InitiationView& initiation, const Path& from, bool memory_is_short, Context with) {
    const noise::KeyPair& ours = ours_.meant_by(initiation.macs());
    auto opened = read_initiator(ours, initiation);
    if (!opened) return dropped(opened.error());
    const auto id = find(opened->initiator());
    if (!id) return dropped(Drop::unknown_peer);
    Checked<void> result;
    with_peer(*id, [&](Peer& peer) {
        const bool refused = memory_is_short && !peer.keyring().can_send(with.now.boot);
        result = counted(refused ? Checked<void>(dropped(Drop::no_memory))
                                 : peer.handle_initiation(std::move(*opened), ours, initiation, from, with),
                         peer);
    });
    // Who asked in the other suite learns that it came through: HYBRID.md 6.
    if (!result && result.error() == Drop::wrong_suite) send_cookie(initiation.macs(), initiation.sender(), from, with);
    return result;
}

Checked<void> Device::handle_response(const ResponseView& response, const Path& from, Context with) {
    const auto id = indices_.find(LocalIndex{response.receiver()});
    if (!id) return dropped(Drop::unknown_session);
    Checked<void> result;
    with_peer(*id, [&](Peer& peer) { result = counted(peer.handle_response(response, from, with), peer); });
    return result;
}

Checked<void> Device::handle_cookie_reply(const CookieReplyView& reply, Context with) {
    const auto id = indices_.find(LocalIndex{reply.receiver()});
    if (!id) return dropped(Drop::unknown_session);
    Checked<void> result;
    with_peer(*id, [&](Peer& peer) { result = counted(peer.handle_cookie_reply(reply, with), peer); });
    return result;
}

void Device::handle_notice(PeerId id, Notice notice, Now now, Outbox& out) {
    const auto found = peers_.find(id);
    if (has(notice, Notice::spent) && found != peers_.end() && found->second->activity()->quota_is_spent()) {
        bar(id, Drop::over_quota, now, out);
        out.events.push_back({id, EventKind::spent});
    }
    with_peer(id, [&](Peer& peer) { peer.handle_notice(notice, context(now, out)); });
}

void Device::handle_move(PeerId id, const Path& from, Boot born, std::uint64_t counter, Now now, Outbox& out) {
    with_peer(id, [&](Peer& peer) { peer.handle_move(from, born, counter, context(now, out)); });
}

void Device::want_handshake(PeerId id, Now now, Outbox& out) {
    with_peer(id, [&](Peer& peer) { peer.want_handshake(context(now, out)); });
}

void Device::handle_new_way(PeerId id, Now now, Outbox& out) {
    with_peer(id, [&](Peer& peer) { peer.handle_new_way(context(now, out)); });
}

void Device::seek_at(PeerId id, const Endpoint& endpoint, Now now, Outbox& out) {
    with_peer(id, [&](Peer& peer) { peer.seek_at(endpoint, context(now, out)); });
}

void Device::send_initiation_also_to(PeerId id, const Endpoint& endpoint, Now now, Outbox& out) {
    with_peer(id, [&](Peer& peer) { peer.send_initiation_also_to(endpoint, context(now, out)); });
}

void Device::forget_local_sources(Now now, Outbox& out) {
    for (const auto& [id, peer] : peers_) peer->forget_local_source(context(now, out));
}

void Device::handle_time(Now now, Outbox& out, std::size_t peers_at_most) {
    for (; peers_at_most > 0 && !deadlines_.empty() && deadlines_.begin()->first <= now.boot; --peers_at_most) {
        const PeerId id = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        scheduled_.erase(id);
        with_peer(id, [&](Peer& peer) { peer.handle_time(context(now, out)); });
    }
}

std::optional<Boot> Device::next_deadline() const {
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

template <class Act> void Device::with_peer(PeerId id, Act act) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    act(*found->second);
    reschedule(*found->second);
}

void Device::reschedule(const Peer& peer) {
    const std::optional<Boot> deadline = peer.next_deadline();
    const auto scheduled = scheduled_.find(peer.id());
    if (scheduled != scheduled_.end()) {
        if (deadline == scheduled->second) return;
        deadlines_.erase({scheduled->second, peer.id()});
        scheduled_.erase(scheduled);
    }
    if (!deadline) return;
    deadlines_.emplace(*deadline, peer.id());
    scheduled_.emplace(peer.id(), *deadline);
}

// --- for people and tables ---------------------------------------------------------------------------------------------------

std::optional<PeerId> Device::find(const crypto::PublicKey& key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? std::nullopt : std::optional(found->second);
}

const Peer* Device::peer(PeerId id) const {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : found->second.get();
}

std::vector<PeerId> Device::peers() const {
    std::vector<PeerId> ids;
    ids.reserve(peers_.size());
    for (const auto& [id, peer] : peers_) ids.push_back(id);
    return ids;
}

} // namespace vpn::protocol
