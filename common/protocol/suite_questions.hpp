// Questions in the other suite: after initiations without an answer, one of the other suite asks each endpoint that was tried
// whether that is why (HYBRID.md 6; EXPERIENCE, "Connected means connected"). Decides whom to ask and when, and holds what is
// under way. Refuses to know: how an initiation is written, and what an answer means.
#pragma once

#include "common/base/ip.hpp"
#include "common/protocol/cookie.hpp"
#include "common/protocol/handshake.hpp"

#include <optional>
#include <vector>

namespace vpn::protocol {

/// One that waits for its answer, beside the initiation that it does not disturb.
struct SuiteQuestion {
    PendingInitiation pending;
    CookieJar cookies; ///< knows the answer of one who declines
    Endpoint to;
};

class SuiteQuestions {
  public:
    /// How soon after the first initiation; from the second on, a moment is enough. None: it never asks.
    void set_patience(std::optional<Duration> patience) { patience_ = patience; }

    /// An initiation of the configured suite went there, the `count`-th in a row without an answer. Each sixteenth begins a new
    /// round, in which everybody may be asked again: those under way are given back.
    [[nodiscard]] std::vector<SuiteQuestion> handle_initiation(const Endpoint& to, std::uint32_t count, Boot now);
    /// The last initiation went there, too.
    void handle_also_to(const Endpoint& to, Boot now);
    [[nodiscard]] std::optional<Boot> next_deadline() const { return ask_at_; }
    /// Those to ask now, each once a round.
    [[nodiscard]] std::vector<Endpoint> take_due(Boot now);

    void add(SuiteQuestion question) { under_way_.push_back(std::move(question)); }
    [[nodiscard]] SuiteQuestion* find(LocalIndex index);
    /// It is answered, or given up. Nobody learns of it if there is none.
    void remove(LocalIndex index);
    /// Ends the round. Those under way are given back.
    [[nodiscard]] std::vector<SuiteQuestion> clear();

  private:
    std::optional<Duration> patience_;
    std::optional<Boot> ask_at_;
    std::vector<Endpoint> to_ask_;
    std::vector<Endpoint> asked_;
    std::vector<SuiteQuestion> under_way_;
};

} // namespace vpn::protocol
