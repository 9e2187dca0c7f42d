// The three slots of a peer's sessions: previous, current, next (PROTOCOL 3, "Key slots").
// Refuses to know: how sessions come about, and who else holds them.
#pragma once

#include "common/protocol/session.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace vpn::protocol {

using SessionPtr = std::shared_ptr<Session>;

class Keyring {
  public:
    /// The session to send on, whether or not it is still good.
    [[nodiscard]] const SessionPtr& current() const { return current_; }
    [[nodiscard]] const SessionPtr& next() const { return next_; }
    [[nodiscard]] const SessionPtr& previous() const { return previous_; }
    [[nodiscard]] bool can_send(Boot now) const { return current_ && !current_->expired(now); }

    /// We began and were answered: send on the new one at once. Each of these gives the sessions that fell out.
    [[nodiscard]] std::vector<SessionPtr> install_initiated(SessionPtr session) {
        std::vector<SessionPtr> out;
        drop(previous_, out);
        if (next_) drop(current_, out);
        previous_ = next_ ? std::move(next_) : std::move(current_);
        next_.reset();
        current_ = std::move(session);
        return out;
    }
    /// We answered: the new one waits in `next` until the other side has proved that it has the keys.
    [[nodiscard]] std::vector<SessionPtr> install_answered(SessionPtr session) {
        std::vector<SessionPtr> out;
        drop(next_, out);
        drop(previous_, out);
        next_ = std::move(session);
        return out;
    }
    /// Moves up `next` if it was confirmed. The first of the pair says whether it did.
    [[nodiscard]] std::pair<bool, std::vector<SessionPtr>> promote() {
        std::vector<SessionPtr> out;
        if (!next_ || !next_->confirmed()) return {false, out};
        drop(previous_, out);
        previous_ = std::move(current_);
        current_ = std::move(next_);
        next_.reset();
        return {true, out};
    }
    /// When both sides began at once, each sends on the session that it began and has the other's as `previous`. One of them has
    /// to settle on the other's. True if it did: `current` is another one. DEVIATION: by the paper they go on like this until the
    /// next handshake, which then drops the session that one of them still sends on, and with it what is under way.
    [[nodiscard]] bool settle_on_theirs() {
        const bool crossed = current_ && current_->role() == Role::initiator && previous_ &&
                             previous_->role() == Role::responder && previous_->confirmed();
        if (crossed) previous_.swap(current_);
        return crossed;
    }
    [[nodiscard]] std::vector<SessionPtr> clear() {
        std::vector<SessionPtr> out;
        for (SessionPtr* slot : {&previous_, &current_, &next_}) drop(*slot, out);
        return out;
    }

  private:
    static void drop(SessionPtr& slot, std::vector<SessionPtr>& out) {
        if (slot) out.push_back(std::move(slot));
        slot.reset();
    }
    SessionPtr previous_;
    SessionPtr current_;
    SessionPtr next_;
};

} // namespace vpn::protocol
