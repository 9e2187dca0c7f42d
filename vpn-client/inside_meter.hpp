// From questions asked inside the tunnel, now and then, to how the way there is: round trip, loss, and that nothing comes back
// any more. Pure. Refuses to know: who asks, and whom.
#pragma once

#include "common/base/time.hpp"

#include <deque>
#include <optional>

namespace vpn::client {

class InsideMeter {
  public:
    /// Somebody is asked, and again each second until he answers.
    void handle_start(Boot now);
    /// He has: to the last of so many questions, this long after it.
    void handle_answer(unsigned questions, Duration round_trip);
    /// Nobody wants to know any more: what was not answered yet counts for nothing.
    void handle_stop();

    /// Of the last answers, smoothed. None before the first.
    [[nodiscard]] std::optional<Duration> round_trip() const { return round_trip_; }
    /// Percent of the last questions that had no answer within a second.
    [[nodiscard]] std::optional<unsigned> loss() const;
    /// He is being asked, and it can't be said yet whether he answers.
    [[nodiscard]] bool undecided(Boot now) const;
    /// He has been asked three times, and nothing came back.
    [[nodiscard]] bool no_return(Boot now) const;

  private:
    std::optional<Boot> asked_since_;
    std::optional<Duration> round_trip_;
    std::deque<unsigned> questions_; ///< that each of the last answers took
};

} // namespace vpn::client
