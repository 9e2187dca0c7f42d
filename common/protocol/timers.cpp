#include "common/protocol/timers.hpp"

#include "common/protocol/constants.hpp"

#include <algorithm>

namespace vpn::protocol {
namespace {

Duration draw_jitter(Random& random) {
    return std::chrono::duration_cast<Duration>(rekey_jitter_max) * (random.next_u32() & 0xffffU) / 0xffff;
}

bool reached(const std::optional<Boot>& deadline, Boot now) { return deadline && *deadline <= now; }

std::optional<Boot> after(const std::optional<Boot>& since, Duration wait) {
    return since ? std::optional(*since + wait) : std::nullopt;
}

} // namespace

bool Timers::want_handshake(Boot now) {
    attempts_end_ = now + rekey_attempt_time; // fresh interest starts the 90 seconds anew
    if (initiate_at_) return false;
    const std::optional<Boot> earliest = after(last_handshake_sent_, rekey_timeout);
    if (!earliest || *earliest <= now) return true;
    initiate_at_ = earliest;
    return false;
}

bool Timers::handle_new_way(Boot now) {
    attempts_end_ = now + rekey_attempt_time;
    quick_repetitions_ = new_way_repetitions;
    return begin_soon(now);
}

bool Timers::hurry(Boot now) { return attempting() && begin_soon(now); }

bool Timers::begin_soon(Boot now) {
    const std::optional<Boot> earliest = after(last_initiation_, new_way_spacing);
    if (!earliest || *earliest <= now) return true;
    initiate_at_ = std::min(initiate_at_.value_or(*earliest), *earliest);
    return false;
}

void Timers::initiation_sent(Boot now, Random& random) {
    last_initiation_ = last_handshake_sent_ = now;
    const bool quick = quick_repetitions_ > 0;
    if (quick) --quick_repetitions_;
    initiate_at_ = now + (quick ? new_way_repetition : rekey_timeout) + draw_jitter(random);
}

void Timers::response_sent(Boot now) {
    last_handshake_sent_ = now;
    if (initiate_at_) initiate_at_ = std::max(*initiate_at_, now + rekey_timeout);
}

void Timers::keys_derived(Boot now) { wipe_at_ = now + wipe_after; }

void Timers::armed(Boot now, Random& random) {
    jitter_ = draw_jitter(random);
    look_at_ = now + keepalive_timeout;
}

void Timers::set_persistent_keepalive(Duration interval, Boot now) {
    if (interval == persistent_) return; // said again: the one that is due comes when it is due
    persistent_ = interval;
    persistent_since_ = now;
}

std::optional<Boot> Timers::persistent_at(const Activity& activity) const {
    if (persistent_ == Duration::zero()) return std::nullopt;
    Boot since = persistent_since_;
    for (const auto& traffic : {activity.last_sent(), activity.last_received()})
        if (traffic) since = std::max(since, *traffic);
    return since + persistent_;
}

Due Timers::take_due(Activity& activity, Boot now) {
    Due due;
    look_at_ = now + keepalive_timeout;
    if (reached(initiate_at_, now)) {
        initiate_at_.reset();
        due.give_up = !attempts_end_ || *attempts_end_ <= now;
        due.initiate = !due.give_up;
        if (due.give_up) attempts_end_.reset();
    }
    if (reached(after(activity.unanswered_since(), unanswered_timeout + jitter_), now)) {
        activity.forget_unanswered();
        due.renew = true;
    }
    if (reached(persistent_at(activity), now)) {
        persistent_since_ = now;
        due.persistent = true;
    }
    if (reached(after(activity.keepalive_owed_since(), keepalive_timeout), now)) {
        activity.forget_keepalive();
        due.keepalive = true;
    }
    if (reached(wipe_at_, now)) {
        wipe_at_.reset();
        due.wipe = true;
    }
    return due;
}

std::optional<Boot> Timers::next_deadline(Activity& activity) const {
    std::optional<Boot> earliest;
    const auto consider = [&earliest](const std::optional<Boot>& deadline) {
        if (deadline && (!earliest || *deadline < *earliest)) earliest = deadline;
    };
    consider(initiate_at_);
    consider(wipe_at_);
    consider(persistent_at(activity));
    if (!activity.disarm_if_idle()) {
        // Only the first debt raises a notice. One that takes its place may be due sooner: look again before it can be.
        consider(look_at_);
        consider(after(activity.unanswered_since(), unanswered_timeout + jitter_));
        consider(after(activity.keepalive_owed_since(), keepalive_timeout));
    }
    return earliest;
}

} // namespace vpn::protocol
