#include "tun/data_plane.hpp"

#include "common/protocol/ecn.hpp"

#include <algorithm>

namespace vpn::tun {

using protocol::Drop;
using protocol::Notice;

namespace {

constexpr std::size_t tail_room = protocol::padding_multiple;

/// The packet with its padding: zeros in the room behind it.
Bytes pad(MutableBytes packet, std::size_t mtu) {
    const std::size_t padded = protocol::padded_size(packet.size(), mtu);
    std::fill_n(packet.data() + packet.size(), padded - packet.size(), std::byte{0});
    return {packet.data(), padded};
}

} // namespace

DataPlane::DataPlane(const protocol::OwnMacKeys& mac_keys, std::size_t mtu, std::function<void()> wake)
    : wake_(std::move(wake)), mtu_(mtu), owned_mac_keys_(std::make_shared<protocol::OwnMacKeys>(mac_keys)),
      owned_routes_(std::make_shared<RouteTo>()) {
    mac_keys_.store(owned_mac_keys_.get());
    routes_.store(owned_routes_.get());
}

DataPlane::~DataPlane() = default;

// --- data threads ------------------------------------------------------------------------------------------------------------

DataPlane::Worker::Worker(DataPlane& plane) : plane_(plane), reader_(plane.epochs_), drops_(plane.new_counters()) {}

void DataPlane::Worker::count(Drop reason) { drops_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed); }

Drop DataPlane::Worker::drop(Drop reason) {
    count(reason);
    return reason;
}

Drop DataPlane::Worker::drop(Drop reason, const LivePeer& peer) {
    peer.activity->count_drop(reason);
    return drop(reason);
}

protocol::Checked<DataPlane::Worker::Route> DataPlane::Worker::find_route(const RouteTo& routes,
                                                                          const offload::Splitter& packets) {
    const auto ip = protocol::parse_ip_packet(packets.whole());
    if (!ip) return protocol::dropped(drop(Drop::not_ip));
    LivePeer* peer = routes.find(ip->destination);
    if (peer == nullptr) return protocol::dropped(drop(Drop::no_route));
    const Path* path = peer->path.load();
    if (path == nullptr) return protocol::dropped(drop(Drop::no_endpoint, *peer));
    return Route{peer, path, ip->bytes.size()};
}

// Each step needs what the one before has asked for; by then it is there, or on its way for all of them.

std::size_t DataPlane::Worker::expect(const SealBatch& batch, std::span<const IpAddress> destinations) const {
    struct Expected {
        const LivePeer* peer;
        const LiveSession* session;
    };
    std::array<Expected, expected_at_once> storage;
    std::size_t count = 0;
    std::size_t i = 0;
    for (; i < destinations.size() && count < storage.size(); ++i) {
        if (i > 0 && destinations[i] == destinations[i - 1]) continue;
        if (const LivePeer* peer = batch.routes->find(destinations[i])) {
            peer->expect();
            storage[count++] = {peer, nullptr};
        }
    }
    const auto expected = std::span(storage).first(count);
    for (Expected& each : expected) {
        each.session = each.peer->sending.load();
        if (each.session != nullptr) each.session->expect();
        each.peer->expect_further();
    }
    for (const Expected& each : expected)
        if (each.session != nullptr) each.session->expect_further();
    return i;
}

std::size_t DataPlane::Worker::expect(std::span<const Bytes> datagrams) const {
    std::array<const LiveSession*, expected_at_once> storage;
    std::size_t count = 0;
    std::size_t i = 0;
    for (; i < datagrams.size() && count < storage.size(); ++i) {
        if (datagrams[i].size() < protocol::data_header_size) continue;
        const protocol::DataView data{datagrams[i]}; // a handshake's is longer, and finds nothing, or a hint for nobody
        const LiveSession* session = plane_.sessions_.in_slot_of(protocol::LocalIndex{data.receiver()});
        if (session == nullptr || (count > 0 && session == storage[count - 1])) continue;
        session->expect();
        session->expect(data.counter());
        storage[count++] = session;
    }
    const auto expected = std::span(storage).first(count);
    for (const LiveSession* session : expected) {
        session->expect_further();
        session->peer().expect();
    }
    for (const LiveSession* session : expected) session->peer().expect_further();
    return i;
}

Outgoing DataPlane::Worker::seal(SealBatch& batch, offload::Splitter& packets, SendBuffer& out, Boot now) {
    const auto route = find_route(*batch.routes, packets);
    if (!route) return route.error();
    auto& unready = batch.unready;
    if (std::find(unready.begin(), unready.end(), route->peer) != unready.end()) return Unready{};
    if (const auto sealed = plane_.seal_on(*this, *route->peer, packets, route->size, *route->path, out, now)) return *sealed;
    unready.push_back(route->peer);
    return Unready{};
}

Outgoing DataPlane::Worker::seal_or_stage(offload::Splitter& packets, SendBuffer& out, Boot now) {
    const auto route = find_route(*plane_.routes_.load(), packets);
    if (!route) return route.error();
    LivePeer& peer = *route->peer;
    if (const auto sealed = plane_.seal_on(*this, peer, packets, route->size, *route->path, out, now)) return *sealed;

    // No session yet. Look again under the lock: the control thread seals what is staged before it publishes a session, so either
    // we see that session or our packets are staged in time for it.
    const std::lock_guard lock(peer.slow_path);
    if (const auto sealed = plane_.seal_on(*this, peer, packets, route->size, *route->path, out, now)) return *sealed;
    for (MutableBytes packet = packets.next(); !packet.empty(); packet = packets.next()) {
        try {
            if (!peer.staged.push(packet.first(std::min(packet.size(), route->size))))
                static_cast<void>(drop(Drop::stage_full, peer));
        } catch (const std::bad_alloc&) {
            static_cast<void>(drop(Drop::no_memory, peer));
        }
    }
    plane_.notify(peer, Notice::wants_handshake);
    return Staged{};
}

bool DataPlane::Worker::is_good(protocol::LocalIndex session, Boot now) const {
    const LiveSession* live = plane_.sessions_.find(session);
    return live != nullptr && !live->session().expired(now);
}

Incoming DataPlane::Worker::open(MutableBytes datagram, const Path& from, Ecn marked, Boot now) {
    const auto message = protocol::decode(datagram);
    if (!message) return drop(message.error());
    if (std::holds_alternative<protocol::DataView>(*message)) return open_data({datagram}, from, marked, now);
    if (std::holds_alternative<protocol::CookieReplyView>(*message)) return Handshake{}; // its own tag vouches for it
    const protocol::MacFields<const std::byte> macs{datagram};
    if (!plane_.mac_keys_.load()->mac1_is_valid(macs)) return drop(Drop::bad_mac1);
    return Handshake{};
}

Incoming DataPlane::Worker::open_data(protocol::DataFields<std::byte> data, const Path& from, Ecn marked, Boot now) {
    LiveSession* live = plane_.sessions_.find(protocol::LocalIndex{data.receiver()});
    if (live == nullptr) return drop(Drop::unknown_session);
    LivePeer& peer = live->peer();
    protocol::Session& session = live->session();
    const std::uint64_t counter = data.counter();
    if (now - session.born() >= protocol::reject_after_time || counter >= protocol::reject_after_messages)
        return drop(Drop::expired, peer);
    const auto inner = session.keys().open(data);
    if (!inner) return drop(inner.error(), peer);
    if (!live->accept(counter)) return drop(Drop::replayed, peer);

    const bool carries_data = !inner->empty();
    Notice notice = peer.activity->received(carries_data, now);
    notice |= peer.activity->count_received(data.message.size());
    if (session.confirm()) notice |= Notice::confirmed;
    if (session.asks_rekey_after_receiving(now)) notice |= Notice::wants_handshake;
    plane_.notify(peer, notice);
    const Path* path = peer.path.load();
    if (path == nullptr || *path != from) plane_.note_move(peer, from, session.born(), counter);

    if (!carries_data) return Keepalive{};
    const auto ip = protocol::parse_ip_packet(*inner);
    if (!ip) return drop(Drop::not_ip, peer);
    if (plane_.routes_.load()->find(ip->source) != &peer) return drop(Drop::wrong_source, peer);
    if (!protocol::combine_ecn(*inner, marked)) return drop(Drop::congested, peer);
    if (!peer.activity->receiving_rate().take(ip->bytes.size(), now)) return drop(Drop::over_rate, peer);
    return Deliver{inner->first(ip->bytes.size())};
}

std::optional<Sealed> DataPlane::seal_on(Worker& worker, LivePeer& peer, offload::Splitter& packets, std::size_t size,
                                         const Path& path, SendBuffer& out, Boot now) {
    LiveSession* live = peer.sending.load();
    if (live == nullptr) return std::nullopt;
    protocol::Session& session = live->session();
    auto counter = session.take_counters(packets.count(), now);
    if (!counter) return std::nullopt;
    const Ecn ecn = protocol::ecn_of(packets.whole());
    const std::size_t mtu = mtu_.load(std::memory_order_relaxed);
    protocol::TokenBucket& rate = peer.activity->sending_rate();
    std::size_t bytes = 0;
    for (MutableBytes packet = packets.next(); !packet.empty(); packet = packets.next()) {
        const MutableBytes inner = packet.first(std::min(packet.size(), size));
        if (!rate.take(inner.size(), now)) {
            worker.count(Drop::over_rate);
            continue; // what was taken of the counters is not used
        }
        const Bytes padded = pad(inner, mtu);
        const std::size_t sealed = padded.size() + session.keys().overhead();
        session.keys().seal(session.remote(), (*counter)++, padded, out.next(sealed));
        out.add(sealed, path, ecn);
        bytes += sealed;
    }
    if (bytes != 0) note_sent(*live, true, bytes, now);
    return Sealed{session.local()};
}

void DataPlane::note_sent(LiveSession& live, bool data, std::size_t bytes, Boot now) {
    LivePeer& peer = live.peer();
    Notice notice = peer.activity->sent(data, now);
    notice |= peer.activity->count_sent(bytes);
    if (live.session().asks_rekey_after_sending(now)) notice |= Notice::wants_handshake;
    notify(peer, notice);
}

void DataPlane::notify(LivePeer& peer, Notice notice) {
    if (notices_.raise(peer, notice)) wake_();
}

void DataPlane::note_move(LivePeer& peer, const Path& from, Boot born, std::uint64_t counter) {
    {
        const std::lock_guard lock(peer.slow_path);
        if (peer.move && std::pair(peer.move->born, peer.move->counter) > std::pair(born, counter)) return;
        peer.move = Move{from, born, counter};
    }
    notify(peer, Notice::moved);
}

// --- control thread ----------------------------------------------------------------------------------------------------------

void DataPlane::carry_out(const protocol::Outbox& outbox, const protocol::AllowedIps& owners, Boot now, const Send& send) {
    const auto attempt = [](auto run) {
        try {
            run();
        } catch (const std::bad_alloc&) { // each act leaves what it changes whole: the peer makes do without it
        }
    };
    routes_stale_ = routes_stale_ || outbox.routes_changed;
    for (const protocol::Action& action : outbox.actions)
        attempt([&] { std::visit([&](const auto& each) { act(each, now, send); }, action); });
    attempt([&] { publish_routes(owners); });
}

void DataPlane::publish_routes(const protocol::AllowedIps& owners) {
    if (routes_stale_) {
        auto routes = std::make_shared<RouteTo>(owners, [this](protocol::PeerId id) -> LivePeer* {
            const auto found = peers_.find(id);
            return found == peers_.end() ? nullptr : found->second.get();
        });
        Epochs::Place place = Epochs::make_place();
        routes_.store(routes.get());
        epochs_.retire(std::exchange(owned_routes_, std::move(routes)), std::move(place));
        routes_stale_ = false;
    }
    for (; !leaving_.empty(); leaving_.pop_back()) { // no route leads to them any more
        Epochs::Place place = Epochs::make_place();
        epochs_.retire(std::move(leaving_.back()), std::move(place));
    }
}

bool DataPlane::send_exactly(protocol::PeerId peer, std::span<const ByteVector> packets, Boot now, const Send& send) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return false;
    LiveSession* session = found->second->sending.load();
    const Path* path = found->second->path.load();
    if (session == nullptr || path == nullptr) return false;
    return std::ranges::all_of(packets,
                               [&](Bytes packet) { return seal_and_send(*session, packet, Ecn::not_capable, *path, now, send); });
}

void DataPlane::publish(const protocol::OwnMacKeys& mac_keys) {
    auto fresh = std::make_shared<protocol::OwnMacKeys>(mac_keys);
    Epochs::Place place = Epochs::make_place();
    mac_keys_.store(fresh.get());
    epochs_.retire(std::exchange(owned_mac_keys_, std::move(fresh)), std::move(place));
}

std::vector<PeerNotice> DataPlane::take_notices() {
    // A retired peer may still stand in the list. What is retired up to here nobody can put there again, so emptying the list
    // between the look at the readers and the freeing leaves no way back to it.
    const std::uint64_t oldest = epochs_.oldest_reader();
    std::vector<PeerNotice> notices = notices_.take();
    epochs_.collect(oldest);
    return notices;
}

protocol::DropCounts DataPlane::drops() const {
    protocol::DropCounts sum = drops_;
    for (const Counters& each : counters_)
        for (std::size_t i = 0; i < each.size(); ++i) sum.counts[i] += each[i].load(std::memory_order_relaxed);
    return sum;
}

std::size_t DataPlane::staged_packets() const {
    std::size_t sum = 0;
    for (const auto& [id, peer] : peers_) {
        const std::lock_guard lock(peer->slow_path);
        sum += peer->staged.size();
    }
    return sum;
}

DataPlane::Counters& DataPlane::new_counters() { return counters_.emplace_back(); }

void DataPlane::act(const protocol::SendDatagram& action, Boot /*now*/, const Send& send) {
    send(action.bytes, action.path, Ecn::not_capable);
}

void DataPlane::act(const protocol::AddPeer& action, Boot /*now*/, const Send& /*send*/) {
    peers_[action.peer] = std::make_shared<LivePeer>(action.peer, action.activity);
}

void DataPlane::act(const protocol::RemovePeer& action, Boot /*now*/, const Send& /*send*/) {
    const auto found = peers_.find(action.peer);
    if (found == peers_.end()) return;
    // Still in the routes until they are published anew: nothing of it may be retired before.
    if (leaving_.capacity() < leaving_.size() + 2) leaving_.reserve(leaving_.size() * 2 + 2);
    leaving_.push_back(std::move(found->second));
    peers_.erase(found);
    if (const auto path = paths_.extract(action.peer)) leaving_.push_back(path.mapped());
}

void DataPlane::act(const protocol::InstallSession& action, Boot /*now*/, const Send& /*send*/) {
    const auto peer = peers_.find(action.session->peer());
    if (peer == peers_.end()) return;
    Live live{std::make_shared<LiveSession>(action.session, *peer->second), Epochs::make_place()};
    LiveSession* const shown = live.session.get();
    live_sessions_[action.session.get()] = std::move(live); // first: whoever finds it in the table must not see it go
    try {
        sessions_.set(action.session->local(), shown);
    } catch (const std::bad_alloc&) { // or it would be used to send, and nothing would come in
        live_sessions_.erase(action.session.get());
        throw;
    }
}

void DataPlane::act(const protocol::UseSession& action, Boot now, const Send& send) {
    const auto found = peers_.find(action.peer);
    if (found == peers_.end()) return;
    LivePeer& peer = *found->second;
    if (!action.session) return peer.sending.store(nullptr);
    const auto live = live_sessions_.find(action.session.get());
    const Path* path = peer.path.load();
    if (live == live_sessions_.end() || path == nullptr) return;

    const std::lock_guard lock(peer.slow_path);
    const auto send_or_lose = [&](ByteVector packet) {
        try {
            send_on(*live->second.session, std::move(packet), *path, now, send);
        } catch (const std::bad_alloc&) {
            count_lost(peer);
        }
    };
    auto staged = peer.staged.take();
    if (staged.empty() && action.confirm) send_or_lose({});
    for (ByteVector& packet : staged) send_or_lose(std::move(packet));
    peer.sending.store(live->second.session.get());
}

void DataPlane::act(const protocol::RetireSession& action, Boot /*now*/, const Send& /*send*/) {
    auto live = live_sessions_.extract(action.session.get());
    if (!live) return;
    sessions_.set(action.session->local(), nullptr);
    LiveSession* retired = live.mapped().session.get();
    retired->peer().sending.compare_exchange_strong(retired, nullptr);
    epochs_.retire(std::move(live.mapped().session), std::move(live.mapped().after));
}

void DataPlane::act(const protocol::SendKeepalive& action, Boot now, const Send& send) {
    const auto found = peers_.find(action.peer);
    if (found == peers_.end()) return;
    LiveSession* session = found->second->sending.load();
    const Path* path = found->second->path.load();
    if (session != nullptr && path != nullptr) send_on(*session, {}, *path, now, send);
}

void DataPlane::act(const protocol::DropStaged& action, Boot /*now*/, const Send& /*send*/) {
    const auto found = peers_.find(action.peer);
    if (found == peers_.end()) return;
    const std::lock_guard lock(found->second->slow_path);
    found->second->staged.clear();
}

void DataPlane::act(const protocol::SetPath& action, Boot /*now*/, const Send& /*send*/) {
    const auto found = peers_.find(action.peer);
    if (found == peers_.end()) return;
    auto path = std::make_shared<const Path>(action.path);
    auto& owned = paths_[action.peer];
    Epochs::Place place = Epochs::make_place();
    found->second->path.store(path.get());
    epochs_.retire(std::exchange(owned, std::move(path)), std::move(place));
}

void DataPlane::send_on(LiveSession& live, ByteVector packet, const Path& path, Boot now, const Send& send) {
    const std::size_t size = packet.size();
    const Ecn ecn = size == 0 ? Ecn::not_capable : protocol::ecn_of(packet);
    packet.resize(size + tail_room);
    seal_and_send(live, pad(MutableBytes(packet).first(size), mtu_.load()), ecn, path, now, send);
}

void DataPlane::count_lost(const LivePeer& peer) {
    peer.activity->count_drop(Drop::no_memory);
    drops_.add(Drop::no_memory);
}

bool DataPlane::seal_and_send(LiveSession& live, Bytes packet, Ecn ecn, const Path& path, Boot now, const Send& send) {
    protocol::Session& session = live.session();
    const auto counter = session.take_counters(1, now);
    if (!counter) return false;
    ByteVector datagram(packet.size() + session.keys().overhead());
    session.keys().seal(session.remote(), *counter, packet, datagram);
    note_sent(live, !packet.empty(), datagram.size(), now);
    send(datagram, path, ecn);
    return true;
}

} // namespace vpn::tun
