// One peer's deadlines (PROTOCOL 3; WireGuard paper 6). Arithmetic on instants, nothing else: it says what is due, the device
// does it. Refuses to know: clocks, sockets, keys. What the data path did is read from Activity when a deadline comes.
#pragma once

#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/protocol/activity.hpp"

#include <optional>

namespace vpn::protocol {

/// What one look at the time found to do.
struct Due {
    bool initiate = false;   ///< send an initiation, the first or another one
    bool give_up = false;    ///< 90 s of initiations had no answer
    bool renew = false;      ///< what we sent has no answer for 15 s: want a handshake, by a fresh way
    bool keepalive = false;  ///< data came 10 s ago and nothing went back since
    bool persistent = false; ///< a sign of life was promised for now, session or not
    bool wipe = false;       ///< 540 s since keys were made
};

class Timers {
  public:
    /// Somebody wants a session. True if an initiation may go out now; else one will be due later, or is under way.
    [[nodiscard]] bool want_handshake(Boot now);
    /// The way to the peer is another one, or the machine has slept. True if an initiation may go out now; else it is due soon.
    /// DEVIATION: PROTOCOL 3 has at most one initiation in 5 s. What went by the former way says nothing of this one: a change
    /// begins an attempt of its own, 50 ms after the last initiation at the earliest, and its first two repetitions come after a
    /// second each, because a link that has just come up loses packets.
    [[nodiscard]] bool handle_new_way(Boot now);
    /// The peer is asked elsewhere by the attempt that is under way, which ends when it would have ended: 50 ms after the last
    /// initiation at the earliest. False if there is none.
    /// DEVIATION: PROTOCOL 3 has at most one initiation in 5 s; this one goes to another server than the last.
    [[nodiscard]] bool hurry(Boot now);

    void initiation_sent(Boot now, Random& random);
    void response_sent(Boot now);
    /// A handshake is complete on our side: attempts end.
    void handshake_complete() { attempts_end_.reset(), initiate_at_.reset(), quick_repetitions_ = 0; }
    /// Keys were made, in either role.
    void keys_derived(Boot now);
    /// Something is owed that was not before. Draws the jitter of this round.
    void armed(Boot now, Random& random);
    /// Zero turns it off.
    void set_persistent_keepalive(Duration interval, Boot now);
    [[nodiscard]] Duration persistent_keepalive() const { return persistent_; }

    /// What is due, once: asking again at the same time gives nothing new.
    [[nodiscard]] Due take_due(Activity& activity, Boot now);
    /// When to ask again. None: not before something happens.
    [[nodiscard]] std::optional<Boot> next_deadline(Activity& activity) const;

    [[nodiscard]] bool attempting() const { return attempts_end_.has_value(); }

  private:
    [[nodiscard]] bool begin_soon(Boot now);
    [[nodiscard]] std::optional<Boot> persistent_at(const Activity& activity) const;

    std::optional<Boot> last_initiation_;
    std::optional<Boot> last_handshake_sent_; ///< initiation or response: the next initiation keeps 5 s away from it
    std::optional<Boot> initiate_at_;
    std::optional<Boot> attempts_end_;
    int quick_repetitions_ = 0; ///< to come
    std::optional<Boot> wipe_at_;
    Boot look_at_{}; ///< while armed: no debt that came up unnoticed since the last look is due before this
    Boot persistent_since_{};
    Duration persistent_{0};
    Duration jitter_{0};
};

} // namespace vpn::protocol
