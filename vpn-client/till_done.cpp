#include "vpn-client/till_done.hpp"

#include <algorithm>
#include <utility>

namespace vpn::client {
namespace {

constexpr Duration breath = std::chrono::seconds(1);

} // namespace

TillDone::TillDone(boost::asio::io_context& loop, std::function<bool(bool)> attempt, Duration longest)
    : attempt_(std::move(attempt)), longest_(longest), wait_(breath), again_(loop, [this] { try_it(); }) {}

void TillDone::begin() {
    begin_in(breath);
    try_it();
}

void TillDone::begin_in(Duration wait) {
    refused_ = false;
    wait_ = breath;
    again_.set_in(wait);
}

void TillDone::try_it() {
    again_.set_in(wait_); // first: whatever fails, it is called again
    if (!attempt_(refused_)) {
        refused_ = true;
        wait_ = std::min(wait_ * 2, longest_);
        return;
    }
    again_.clear();
}

} // namespace vpn::client
