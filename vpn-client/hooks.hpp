// PreUp, PostUp, PreDown and PostDown of a wg-quick file whose owner allowed them: run by bash as wg-quick(8) runs them, one
// after the other, with the interface's name for %i. What they print goes to stderr. They are root and may do anything, but they
// get nothing of ours for it: no variable of whoever called us, no descriptor, no terminal to read from (THREATS, "hostile
// files"). Refuses to know: whether they may run. `connect` asked, and read the file in a way that only root could have changed
// it.
#pragma once

#include "common/config/wg_quick.hpp"
#include "common/system/log.hpp"
#include "vpn-client/refusal.hpp"
#include "vpn-client/stop_signal.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

/// `command` with the interface's name for each `%i`.
std::string with_interface(std::string_view command, std::string_view interface);

class Hooks {
  public:
    enum class Moment : std::uint8_t { pre_up, post_up, pre_down, post_down };

    /// None.
    Hooks() = default;
    Hooks(std::vector<config::WgQuickLine> lines, std::string interface)
        : lines_(std::move(lines)), interface_(std::move(interface)) {}

    /// Those of PreUp or PostUp, each for two minutes at most, unless we are asked to end. One that takes ten seconds is told of
    /// on stderr. Errors: the first that failed; the rest is not run.
    Granted<void> run_up(Moment moment, const StopSignal& stop, const system::Logger& log) const;
    /// Those of PreDown or PostDown, each for ten seconds at most. Failures are told and stop nothing.
    void run_down(Moment moment, const system::Logger& log) const;

  private:
    [[nodiscard]] std::vector<config::WgQuickLine> of(Moment moment) const;
    [[nodiscard]] std::vector<std::string> words_for(const config::WgQuickLine& line) const;

    std::vector<config::WgQuickLine> lines_;
    std::string interface_;
};

} // namespace vpn::client
