#include "vpn-client/rate_meter.hpp"

#include <algorithm>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration shortest = 500ms;

/// Zero if the counter began anew.
std::uint64_t per_second(ByteCount earlier, ByteCount later, Duration over) {
    if (later < earlier) return 0;
    const double seconds = std::chrono::duration<double>(over).count();
    return static_cast<std::uint64_t>(static_cast<double>(later.value - earlier.value) / seconds);
}

} // namespace

void RateMeter::handle_totals(ByteCount received, ByteCount sent, Boot now) {
    if (last_ && now - last_->at < shortest) return;
    if (last_) {
        const Duration over = now - last_->at;
        current_ = {per_second(last_->received, received, over), per_second(last_->sent, sent, over)};
        peak_ = {std::max(peak_.received, current_.received), std::max(peak_.sent, current_.sent)};
    }
    last_ = {received, sent, now};
}

} // namespace vpn::client
