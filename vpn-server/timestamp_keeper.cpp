#include "vpn-server/timestamp_keeper.hpp"

#include <chrono>
#include <new>

namespace vpn::server {
namespace {

/// Many handshakes make one write.
constexpr std::chrono::seconds soon{1};

} // namespace

TimestampKeeper::TimestampKeeper(boost::asio::io_context& loop, tun::TimestampStore store, const system::Logger& log,
                                 Current current)
    : store_(std::move(store)), log_(log), current_(std::move(current)), timer_(loop) {
    const auto loaded = store_.load();
    if (!loaded) log_.warn("timestamps-not-read", {{"reason", loaded.error().message}});
    if (!loaded) return;
    for (const protocol::Timestamps& each : *loaded) kept_[each.peer] = each;
}

std::vector<protocol::Timestamps> TimestampKeeper::of(const std::vector<crypto::PublicKey>& peers) const {
    std::vector<protocol::Timestamps> found;
    for (const crypto::PublicKey& key : peers)
        if (const auto each = kept_.find(key); each != kept_.end()) found.push_back(each->second);
    return found;
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

void TimestampKeeper::note() {
    for (const protocol::Timestamps& each : current_()) kept_[each.peer] = each;
}

void TimestampKeeper::save() {
    note();
    std::vector<protocol::Timestamps> all;
    for (const auto& [key, each] : kept_) all.push_back(each);
    if (const auto saved = store_.save(all); !saved) log_.error("timestamps-not-saved", {{"reason", saved.error().message}});
}

} // namespace vpn::server
