#include "vpn-client/lookup_queue.hpp"

#include <algorithm>

namespace vpn::client {
namespace {

bool is_in(const std::vector<config::HostPort>& list, const config::HostPort& name) {
    return std::ranges::find(list, name) != list.end();
}

} // namespace

LookupQueue::LookupQueue(const std::vector<config::HostPort>& names, Boot now) {
    for (const config::HostPort& each : names) asked_[each] = now;
}

void LookupQueue::want(const config::HostPort& name, Boot now) {
    if (is_in(under_way_, name) || is_in(waiting_, name)) return;
    if (const auto asked = asked_.find(name); asked != asked_.end() && now - asked->second < between) return;
    waiting_.push_back(name);
}

std::optional<config::HostPort> LookupQueue::next(Boot now) {
    if (waiting_.empty() || under_way_.size() >= most_at_a_time) return std::nullopt;
    std::optional<config::HostPort> name = waiting_.front();
    under_way_.reserve(most_at_a_time);
    asked_[*name] = now; // all that takes memory was first: it waits on, or is under way
    under_way_.push_back(std::move(waiting_.front()));
    waiting_.erase(waiting_.begin());
    return name;
}

void LookupQueue::handle_end(const config::HostPort& name) { std::erase(under_way_, name); }

void LookupQueue::begin_anew() {
    std::vector<config::HostPort> all = under_way_;
    all.insert(all.end(), waiting_.begin(), waiting_.end());
    waiting_ = std::move(all);
    under_way_.clear();
    asked_.clear();
}

} // namespace vpn::client
