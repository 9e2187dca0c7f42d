// The process that runs a connection's hooks, as its daemon sees it from behind its walls: root outside of them, that was there
// before the keys were. It ends with this object, and with this process, even by kill -9. Somebody may end it by kill -9; then
// there is nobody to run hooks any more. Refuses to know: event loops, and what is told to people.
#pragma once

#include "common/base/result.hpp"
#include "common/system/unique_fd.hpp"
#include "vpn-client/hook_messages.hpp"
#include "vpn-client/refusal.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vpn::client {

/// Move-only. Not thread-safe.
class HookRunner {
  public:
    /// None: there are no hooks.
    HookRunner() = default;
    /// Requires: no other thread, no key in memory (a copy would stay there). Errors: failure.
    static Granted<HookRunner> start();
    HookRunner(HookRunner&& other) noexcept;
    HookRunner& operator=(HookRunner&& other) noexcept;
    /// Waits until it has ended.
    ~HookRunner() { end_process(); }

    /// Hands the hooks over, once: there can be no others from then on. Without hooks it ends.
    /// Errors: failure, if one is too long to be run by anybody, or if the process is gone.
    Granted<void> seal(std::vector<Hook> hooks, const std::string& interface);

    /// Those that it holds.
    [[nodiscard]] const std::vector<Hook>& hooks() const { return hooks_; }
    /// Has those of a moment run. Each once, in their order. False: it is gone.
    bool run(HookMoment moment);
    /// Ends what runs of PreUp or PostUp.
    void end();
    /// Lets go of the terminal and of the directory, as the daemon does.
    void leave();
    /// It is no good any more: kill -9.
    void give_up();

    /// Readable when there is news, or it is gone. -1: there is no process.
    [[nodiscard]] int fd() const { return door_.get(); }
    /// None: not now. Does not wait.
    std::optional<HookNews> next_news();
    /// There is no process, or none any more; seen by next_news, or when something was to be said.
    [[nodiscard]] bool gone() const { return !door_; }

  private:
    HookRunner(pid_t process, system::UniqueFd handle, system::UniqueFd door)
        : process_(process), handle_(std::move(handle)), door_(std::move(door)) {}
    bool say(const HookOrder& order);
    void end_process();
    void kill_process() const;

    pid_t process_ = 0; ///< zero: there is none to wait for
    system::UniqueFd handle_;
    system::UniqueFd door_; ///< none: nobody is behind it
    std::vector<Hook> hooks_;
};

} // namespace vpn::client
