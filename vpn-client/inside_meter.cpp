#include "vpn-client/inside_meter.hpp"

#include <numeric>

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration patience = 3s;
constexpr std::size_t answers_kept = 30;
/// As RFC 6298 smooths it.
constexpr int weight = 8;

} // namespace

void InsideMeter::handle_start(Boot now) { asked_since_ = now; }

void InsideMeter::handle_answer(unsigned questions, Duration round_trip) {
    asked_since_.reset();
    round_trip_ = round_trip_ ? *round_trip_ + (round_trip - *round_trip_) / weight : round_trip;
    questions_.push_back(questions);
    if (questions_.size() > answers_kept) questions_.pop_front();
}

void InsideMeter::handle_stop() { asked_since_.reset(); }

std::optional<unsigned> InsideMeter::loss() const {
    if (questions_.empty()) return std::nullopt;
    const unsigned asked = std::accumulate(questions_.begin(), questions_.end(), 0U);
    const unsigned lost = asked - static_cast<unsigned>(questions_.size());
    return (lost * 100 + asked / 2) / asked;
}

bool InsideMeter::undecided(Boot now) const { return asked_since_ && now - *asked_since_ < patience; }

bool InsideMeter::no_return(Boot now) const { return asked_since_ && now - *asked_since_ >= patience; }

} // namespace vpn::client
