// The hooks that a daemon may have run, and no others (THREATS, "a bug of our own"): a list that only grows until it is sealed,
// before the daemon hears anything from outside. From then on it can ask for moments by their names, each once and in their
// order: whoever takes the daemon over can run nothing but what root wrote, when it would have been run. (What that reads of the
// machine's files is another matter: where the daemon may write, so may he.) Pure.
// Refuses to know: how they are run.
#pragma once

#include "common/base/result.hpp"
#include "vpn-client/hook_messages.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vpn::client {

class SealedHooks {
  public:
    /// What is to be done now.
    struct Step {
        enum class Kind : std::uint8_t { nothing, run, leave };
        Kind kind = Kind::nothing;
        HookMoment moment{};
    };

    /// Takes the daemon's next datagram. Errors: it says what it must not, and is not to be heard any more.
    Result<Step> handle_order(std::string_view datagram);

    /// In the order in which they were added.
    [[nodiscard]] const std::vector<Hook>& hooks() const { return hooks_; }
    /// Empty before the seal.
    [[nodiscard]] const std::string& interface() const { return interface_; }

  private:
    Result<Step> add(Hook hook);
    Result<Step> seal(std::string interface);
    Result<Step> run(HookMoment moment);
    [[nodiscard]] bool is_sealed() const { return !interface_.empty(); }

    std::vector<Hook> hooks_;
    std::string interface_;
    std::optional<HookMoment> last_; ///< that was run
    bool left_ = false;
};

} // namespace vpn::client
