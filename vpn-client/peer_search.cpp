#include "vpn-client/peer_search.hpp"

#include <algorithm>

namespace vpn::client {

void PeerSearch::handle_initiation(const Endpoint& to, std::uint32_t count, Boot now) {
    book_.handle_asked(to);
    if (!silent_at_) silent_at_ = now + silence_after;
    // While it has just been heard by this way, only its silence is a reason to look for it elsewhere.
    if (!elsewhere_ && count < 2) return;
    to_race_ = book_.others(to);
    race_at_ = to_race_.empty() ? std::nullopt : std::optional(now + race_delay);
}

void PeerSearch::handle_handshake(const Endpoint& at) {
    silent_ = elsewhere_ = false;
    silent_at_.reset();
    race_at_.reset();
    to_race_.clear();
    book_.handle_answer_from(at);
}

bool PeerSearch::handle_addresses(const config::HostPort& name, const std::vector<Endpoint>& endpoints) {
    bool its = false;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        if (servers_[i] != name) continue;
        its = true;
        book_.handle_addresses(i, endpoints);
    }
    return its;
}

std::optional<Endpoint> PeerSearch::take_raced(Boot now, const std::function<bool(const Endpoint&)>& fits) {
    if (!race_at_ || now < *race_at_) return std::nullopt;
    std::optional<Endpoint> raced;
    while (!raced && !to_race_.empty()) {
        if (fits(to_race_.front())) raced = to_race_.front();
        to_race_.erase(to_race_.begin());
    }
    race_at_ = to_race_.empty() ? std::nullopt : std::optional(now + race_delay);
    return raced;
}

bool PeerSearch::take_silence(Boot now) {
    if (!silent_at_ || now < *silent_at_) return false;
    silent_at_.reset();
    silent_ = true;
    return true;
}

std::optional<Endpoint> PeerSearch::next_server(const Endpoint& silent, const std::function<bool(const Endpoint&)>& fits) {
    // A name that was looked up since may have other addresses now.
    return book_.knows(silent) ? book_.next_server(fits) : book_.first();
}

std::optional<Boot> PeerSearch::next_deadline() const {
    return race_at_ && silent_at_ ? std::min(*race_at_, *silent_at_) : race_at_ ? race_at_ : silent_at_;
}

bool PeerSearch::is_settled(const std::optional<Boot>& last_handshake, Boot now) const {
    return !silent_ && last_handshake && now - *last_handshake < overdue_after;
}

} // namespace vpn::client
