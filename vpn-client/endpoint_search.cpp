#include "vpn-client/endpoint_search.hpp"

#include "common/system/clocks.hpp"

#include <algorithm>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration between_lookups = 30s;

} // namespace

EndpointSearch::EndpointSearch(boost::asio::io_context& loop, config::HostPort server, std::vector<Endpoint> candidates,
                               std::function<void(const Endpoint&)> move_to)
    : loop_(loop), server_(std::move(server)), candidates_(std::move(candidates)), move_to_(std::move(move_to)),
      last_lookup_(system::now().boot) {}

bool EndpointSearch::is_candidate(const Endpoint& endpoint) const {
    return std::ranges::find(candidates_, endpoint) != candidates_.end();
}

void EndpointSearch::handle_silence() {
    const bool is_name = !server_.literal();
    if (is_name && !lookup_ && system::now().boot - last_lookup_ >= between_lookups) look_up();
    if (candidates_.size() < 2) return;
    current_ = (current_ + 1) % candidates_.size();
    move_to_(candidates_[current_]);
}

void EndpointSearch::look_up() {
    last_lookup_ = system::now().boot;
    lookup_.emplace(server_.host, server_.port);
    watch_.emplace(loop_, lookup_->fd(), [this] { handle_answer(); });
}

void EndpointSearch::handle_answer() {
    auto resolved = lookup_->take();
    watch_.reset();
    lookup_.reset();
    if (!resolved) return; // the old addresses are still the best we know
    const Endpoint current = candidates_[current_];
    candidates_ = std::move(*resolved);
    const auto same = std::ranges::find(candidates_, current);
    current_ = same == candidates_.end() ? 0 : static_cast<std::size_t>(same - candidates_.begin());
    if (same == candidates_.end()) move_to_(candidates_[current_]);
}

} // namespace vpn::client
