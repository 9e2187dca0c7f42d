#include "vpn-server/timestamp_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <unordered_set>

namespace vpn::server {
namespace {

/// Many handshakes make one write.
constexpr std::chrono::seconds soon{1};

/// There was a handshake with it, ever.
bool says_something(const protocol::Timestamps& each) {
    return each.sent != crypto::Tai64n{} || each.received != crypto::Tai64n{};
}

} // namespace

TimestampKeeper::TimestampKeeper(boost::asio::io_context& loop, tun::TimestampStore store, const system::Logger& log,
                                 Current current)
    : store_(std::move(store)), log_(log), current_(std::move(current)), timer_(loop) {
    const auto loaded = store_.load();
    if (!loaded) log_.warn("timestamps-not-read", {{"reason", loaded.error().message}});
    if (!loaded) return;
    for (const protocol::Timestamps& each : *loaded) {
        protocol::Timestamps& kept = kept_.try_emplace(each.peer, protocol::Timestamps{each.peer, {}, {}}).first->second;
        kept.sent = std::max(kept.sent, each.sent);
        kept.received = std::max(kept.received, each.received);
    }
}

std::vector<protocol::Timestamps> TimestampKeeper::take(const std::vector<crypto::PublicKey>& peers) {
    std::vector<protocol::Timestamps> taken;
    taken.reserve(peers.size()); // first: nothing is lost half-way
    for (const crypto::PublicKey& key : peers) {
        const auto each = kept_.find(key);
        if (each == kept_.end()) continue;
        taken.push_back(each->second);
        kept_.erase(each);
    }
    return taken;
}

void TimestampKeeper::keep(const std::vector<crypto::PublicKey>& peers) {
    if (peers.empty()) return;
    const std::unordered_set<crypto::PublicKey> leaving(peers.begin(), peers.end());
    for (const protocol::Timestamps& each : current_())
        if (leaving.contains(each.peer)) kept_[each.peer] = each;
}

void TimestampKeeper::keep_only(const std::function<bool(const crypto::PublicKey&)>& known) {
    std::erase_if(kept_, [&](const auto& entry) { return !known(entry.first); });
}

void TimestampKeeper::forget_received(const crypto::PublicKey& peer) {
    if (const auto each = kept_.find(peer); each != kept_.end()) each->second.received = {};
}

void TimestampKeeper::changed() {
    if (waiting_) return;
    timer_.expires_after(soon);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        waiting_ = false;
        try {
            save();
        } catch (const std::bad_alloc&) {
            changed(); // what is on disk stays until there is memory again
        }
    });
    waiting_ = true;
}

void TimestampKeeper::save() {
    std::vector<protocol::Timestamps> all = current_();
    // A change that memory did not suffice for may have left some here that the engine still has, and knows better.
    for (const protocol::Timestamps& each : all) kept_.erase(each.peer);
    for (const auto& [key, each] : kept_) all.push_back(each);
    std::erase_if(all, [](const protocol::Timestamps& each) { return !says_something(each); });
    if (const auto saved = store_.save(all); !saved) log_.error("timestamps-not-saved", {{"reason", saved.error().message}});
}

} // namespace vpn::server
