#include "vpn-server/whereabouts_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <new>

namespace vpn::server {
namespace {

/// Many handshakes make one write; who is killed forgets no more than this.
constexpr std::chrono::seconds soon{5};
/// A session lives no longer: who has been silent since is not there, or has nothing to lose.
constexpr std::chrono::seconds session_life{180};
/// A handshake costs a fraction of a millisecond: a tenth of a core at most.
constexpr std::chrono::milliseconds between_greetings{5};

} // namespace

WhereaboutsKeeper::WhereaboutsKeeper(boost::asio::io_context& loop, WhereaboutsStore store, const system::Logger& log,
                                     Current current)
    : store_(std::move(store)), log_(log), current_(std::move(current)), save_timer_(loop), hello_timer_(loop) {
    const auto loaded = store_.load();
    if (!loaded) log_.warn("endpoints-not-read", {{"reason", loaded.error().message}});
    if (!loaded) return;
    for (const Whereabouts& each : *loaded) kept_[each.peer] = each;
}

std::vector<Whereabouts> WhereaboutsKeeper::kept() const {
    std::vector<Whereabouts> all;
    all.reserve(kept_.size());
    for (const auto& [key, each] : kept_) all.push_back(each);
    return all;
}

void WhereaboutsKeeper::greet(Wall now, Hello hello) {
    auto recent = kept();
    std::erase_if(recent, [now](const Whereabouts& each) { return each.handshake > now || now - each.handshake > session_life; });
    std::ranges::sort(recent, std::ranges::greater(), &Whereabouts::handshake);
    for (const Whereabouts& each : recent) to_greet_.push_back(each.peer);
    hello_ = std::move(hello);
    greet_next();
}

void WhereaboutsKeeper::greet_next() {
    if (to_greet_.empty()) return;
    const crypto::PublicKey next = to_greet_.front();
    to_greet_.pop_front();
    hello_timer_.expires_after(between_greetings);
    hello_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) greet_next();
    });
    hello_(next);
}

void WhereaboutsKeeper::changed() {
    if (waiting_) return;
    save_timer_.expires_after(soon);
    save_timer_.async_wait([this](const boost::system::error_code& error) {
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

void WhereaboutsKeeper::save() {
    for (const Whereabouts& each : current_()) kept_[each.peer] = each;
    if (const auto saved = store_.save(kept()); !saved) log_.error("endpoints-not-saved", {{"reason", saved.error().message}});
}

void WhereaboutsKeeper::keep_only(const std::function<bool(const crypto::PublicKey&)>& known) {
    std::erase_if(kept_, [&](const auto& entry) { return !known(entry.first); });
}

} // namespace vpn::server
