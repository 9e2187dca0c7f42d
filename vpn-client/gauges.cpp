#include "vpn-client/gauges.hpp"

#include "vpn-client/diagnosis.hpp"

namespace vpn::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration between_looks = 1s;
/// While nothing passes.
constexpr Duration between_idle_looks = 5s;
/// Whoever has not looked for so long has gone.
constexpr Duration gone_after = 3s;
/// An answer that takes longer than this is lost.
constexpr Duration wait_for_answer = 1s;

Boot now() { return system::now().boot; }

} // namespace

Gauges::Gauges(boost::asio::io_context& loop, InsideSockets sockets, ProbeTargets targets, std::function<Peers()> peers)
    : loop_(loop), sockets_(std::move(sockets)), targets_(std::move(targets)), peers_(std::move(peers)),
      rates_due_(loop, [this] { look_at_rates(); }), inside_due_(loop, [this] { ask(); }), soon_(loop) {
    look_at_rates();
}

void Gauges::tell(Report& report) {
    measure_rates();
    report.rate = rates_.current();
    report.peak_rate = rates_.peak();
    if (report.state == State::connected && !report.pause_left) look_inside();
    report.round_trip = inside_.round_trip();
    if (const auto loss = inside_.loss()) report.loss = *loss;
    report.measuring = inside_.undecided(now());
    if (report.state != State::connected || !inside_.no_return(now())) return;
    report.state = State::broken;
    report.reason = token_of(Reason::no_return);
    report.because = summary_of(Reason::no_return, {}) + ": " + (probe_ ? probe_->missing() : "") + " does not answer";
}

void Gauges::measure_rates() {
    ByteCount received;
    ByteCount sent;
    for (const tun::PeerStatus& peer : peers_()) {
        received.value += peer.received.value;
        sent.value += peer.sent.value;
    }
    rates_.handle_totals(received, sent, now());
}

void Gauges::look_at_rates() {
    rates_due_.set_in(between_looks); // first: it is called again, whatever memory there is
    measure_rates();
    if (rates_.current() == Rate{}) rates_due_.set_in(between_idle_looks);
}

void Gauges::look_inside() {
    const bool asks_already = looked_at_ && (probe_ || now() - *looked_at_ < gone_after);
    looked_at_ = now();
    if (!asks_already) ask();
}

/// Also called while somebody is being asked: to see whether anybody still wants to know.
void Gauges::ask() {
    if (targets_.none()) return;
    if (now() - *looked_at_ >= gone_after) {
        probe_.reset();
        looked_at_.reset();
        return inside_.handle_stop();
    }
    inside_due_.set_in(between_looks);
    if (probe_) return;
    auto probe = Probe::start(
        loop_, sockets_, targets_, [this] { handle_answer(); }, wait_for_answer);
    if (!probe) return;
    probe_ = std::move(*probe);
    inside_.handle_start(now());
}

void Gauges::handle_answer() {
    inside_.handle_answer(probe_->questions(), probe_->round_trip());
    soon_.call([this] { probe_.reset(); }); // it is calling us
}

} // namespace vpn::client
