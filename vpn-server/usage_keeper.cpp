#include "vpn-server/usage_keeper.hpp"

#include <chrono>
#include <new>
#include <unordered_set>

namespace vpn::server {
namespace {

/// A crash forgets no more than what passed in this time.
constexpr std::chrono::seconds interval{10};
/// As long as a session may last without a handshake, which would have told us.
constexpr int quiet_turns = 18;

} // namespace

UsageKeeper::UsageKeeper(boost::asio::io_context& loop, UsageStore store, const system::Logger& log, Passed passed)
    : store_(std::move(store)), log_(log), passed_(std::move(passed)), timer_(loop) {
    auto loaded = store_.load();
    if (loaded)
        kept_ = std::move(*loaded);
    else
        log_.warn("usage-not-read", {{"reason", loaded.error().message}});
}

void UsageKeeper::follow_only(const std::vector<crypto::PublicKey>& peers) {
    const std::unordered_set<crypto::PublicKey> wanted(peers.begin(), peers.end());
    const auto gone = std::erase_if(entries_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (const crypto::PublicKey& peer : peers) {
        if (entries_.contains(peer)) continue;
        const auto kept = kept_.find(peer);
        entries_[peer] = {kept != kept_.end() ? kept->second : ByteCount{}, passed_(peer).value_or(ByteCount{})};
    }
    const bool forgets = gone != 0 || std::erase_if(kept_, [&](const auto& each) { return !wanted.contains(each.first); }) != 0;
    kept_.clear();
    if (forgets) write();
}

void UsageKeeper::note(const crypto::PublicKey& peer, Entry& entry) {
    const auto passed = passed_(peer);
    if (!passed) return;
    const std::uint64_t seen = passed->value >= entry.seen.value ? entry.seen.value : 0; // it came anew, and counts from zero
    entry.used.value += passed->value - seen;
    entry.seen = *passed;
}

bool UsageKeeper::note_all() {
    bool grew = false;
    for (auto& [peer, entry] : entries_) {
        const ByteCount before = entry.used;
        note(peer, entry);
        grew = grew || entry.used != before;
    }
    return grew;
}

ByteCount UsageKeeper::of(const crypto::PublicKey& peer) {
    const auto found = entries_.find(peer);
    if (found == entries_.end()) return {};
    note(peer, found->second);
    return found->second.used;
}

void UsageKeeper::reset(const crypto::PublicKey& peer) {
    const auto found = entries_.find(peer);
    if (found == entries_.end()) return;
    note(peer, found->second);
    found->second.used = {};
    save();
}

void UsageKeeper::move(const crypto::PublicKey& from, const crypto::PublicKey& to) {
    const auto found = entries_.find(from);
    if (found == entries_.end()) return;
    note(from, found->second);
    kept_[to] = found->second.used;
}

void UsageKeeper::handle_activity(const crypto::PublicKey& peer) {
    if (!entries_.contains(peer)) return;
    const bool waits = quiet_turns_left_ != 0;
    quiet_turns_left_ = quiet_turns;
    if (!waits) arm();
}

void UsageKeeper::arm() {
    timer_.expires_after(interval);
    timer_.async_wait(system::kept_in(waiting_, [this](const boost::system::error_code& error) {
        if (error) return;
        arm(); // first: whatever there is memory for
        if (note_all()) {
            quiet_turns_left_ = quiet_turns;
            save();
        } else if (--quiet_turns_left_ == 0) {
            timer_.cancel();
        }
    }));
}

void UsageKeeper::save() {
    if (!entries_.empty()) write();
}

void UsageKeeper::write() {
    try {
        note_all();
        Usage all;
        for (const auto& [peer, entry] : entries_) all[peer] = entry.used;
        if (const auto saved = store_.save(all); !saved) log_.error("usage-not-saved", {{"reason", saved.error().message}});
    } catch (const std::bad_alloc&) { // what is on disk stays until the next time
    }
}

} // namespace vpn::server
