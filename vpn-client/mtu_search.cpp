#include "vpn-client/mtu_search.hpp"

#include <algorithm>
#include <array>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

/// Ethernet, PPPoE, tunnels over either, mobile networks, and what IPv6 promises; below it only what a host must take.
constexpr std::array<std::uint32_t, 17> usual_sizes{
    smallest_outer_size, 1024, 1200, 1280, 1300, 1320, 1340, 1360, 1380, 1400, 1420, 1440, 1460, 1472, 1480, 1492, 1500};
/// One lost probe is chance, three are a narrow way.
constexpr unsigned tries_at_most = 3;
constexpr Duration first_wait = 500ms;
/// Once the round trip is known.
constexpr Duration shortest_wait = 100ms;
constexpr Duration longest_wait = 1500ms;

} // namespace

std::vector<std::uint32_t> sizes_up_to(std::uint32_t link_mtu) {
    std::vector<std::uint32_t> sizes;
    std::ranges::copy_if(usual_sizes, std::back_inserter(sizes), [link_mtu](std::uint32_t size) { return size < link_mtu; });
    sizes.push_back(std::max(link_mtu, smallest_outer_size));
    return sizes;
}

std::vector<std::uint32_t> MtuSearch::handle_time(Boot now) {
    if (over_ || (tries_ > 0 && now < deadline_)) return {};
    if (tries_ == tries_at_most) {
        over_ = true;
        return {};
    }
    const Duration unmeasured = first_wait * (1U << tries_);
    const Duration wait = round_trip_ ? std::max(*round_trip_ * 3, shortest_wait) : unmeasured;
    ++tries_;
    sent_ = now;
    deadline_ = now + std::min(wait, longest_wait);
    std::vector<std::uint32_t> sizes;
    std::ranges::copy_if(sizes_, std::back_inserter(sizes), [this](std::uint32_t size) { return size > found_.value_or(0); });
    return sizes;
}

void MtuSearch::handle_answer(std::uint32_t size, Boot now) {
    if (over_) return;
    if (!round_trip_) round_trip_ = now - sent_;
    found_ = std::max(found_.value_or(0), size);
    over_ = *found_ >= sizes_.back();
}

std::optional<Boot> MtuSearch::next_deadline() const {
    if (over_) return std::nullopt;
    return deadline_;
}

} // namespace vpn::client
