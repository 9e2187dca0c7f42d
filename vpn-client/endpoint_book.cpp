#include "vpn-client/endpoint_book.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vpn::client {

std::vector<Endpoint> families_in_turn(const std::vector<Endpoint>& endpoints) {
    if (endpoints.empty()) return {};
    const Family first = endpoints.front().address.family();
    std::vector<Endpoint> mixed = endpoints;
    const auto second =
        std::stable_partition(mixed.begin(), mixed.end(), [first](const Endpoint& e) { return e.address.family() == first; });
    const std::vector<Endpoint> ones(mixed.begin(), second);
    const std::vector<Endpoint> others(second, mixed.end());
    mixed.clear();
    for (std::size_t i = 0; i < std::max(ones.size(), others.size()); ++i) {
        if (i < ones.size()) mixed.push_back(ones[i]);
        if (i < others.size()) mixed.push_back(others[i]);
    }
    return mixed;
}

EndpointBook::EndpointBook(std::vector<std::vector<Endpoint>> servers) : servers_(std::move(servers)) {
    for (std::vector<Endpoint>& each : servers_) each = families_in_turn(each);
    if (!servers_.empty() && servers_.front().empty()) static_cast<void>(next_server());
}

bool EndpointBook::knows(const Endpoint& endpoint) const {
    const auto has = [&endpoint](const auto& server) { return std::ranges::find(server, endpoint) != server.end(); };
    return std::ranges::any_of(servers_, has);
}

std::vector<Endpoint> EndpointBook::all() const {
    std::vector<Endpoint> all;
    for (const auto& each : servers_) all.insert(all.end(), each.begin(), each.end());
    if (heard_ && !knows(*heard_)) all.push_back(*heard_);
    return all;
}

std::vector<Endpoint> EndpointBook::others(const Endpoint& tried) const {
    std::vector<Endpoint> others;
    if (in_use_ < servers_.size())
        std::ranges::copy_if(servers_[in_use_], std::back_inserter(others), [&tried](const Endpoint& e) { return e != tried; });
    // Of those that are left, the other family comes first: it is the one that may work where this one does not.
    std::stable_partition(others.begin(), others.end(),
                          [&](const Endpoint& e) { return e.address.family() != tried.address.family(); });
    others = families_in_turn(others);
    if (heard_ && heard_ != tried && std::ranges::find(others, *heard_) == others.end()) others.push_back(*heard_);
    return others;
}

std::optional<Endpoint> EndpointBook::first() const {
    if (in_use_ >= servers_.size() || servers_[in_use_].empty()) return std::nullopt;
    return servers_[in_use_].front();
}

std::optional<Endpoint> EndpointBook::next_server(const std::function<bool(const Endpoint&)>& fits) {
    for (std::size_t step = 1; step < servers_.size(); ++step) {
        const std::size_t next = (in_use_ + step) % servers_.size();
        const auto found = std::ranges::find_if(servers_[next], fits);
        if (found == servers_[next].end()) continue;
        in_use_ = next;
        return *found;
    }
    return std::nullopt;
}

void EndpointBook::handle_asked(const Endpoint& endpoint) {
    for (std::size_t i = 0; i < servers_.size(); ++i)
        if (std::ranges::find(servers_[i], endpoint) != servers_[i].end()) in_use_ = i;
}

void EndpointBook::handle_answer_from(const Endpoint& endpoint) {
    heard_ = endpoint;
    handle_asked(endpoint);
}

void EndpointBook::handle_addresses(std::size_t server, const std::vector<Endpoint>& endpoints) {
    servers_.at(server) = families_in_turn(endpoints);
}

} // namespace vpn::client
