#include "vpn-client/turn.hpp"

#include "common/system/progress.hpp"
#include "vpn-client/connection_name.hpp"

#include <string_view>
#include <thread>

namespace vpn::client {

using system::ExitCode;

Granted<system::InstanceLock> wait_for_turn(const std::function<bool()>& stop) {
    constexpr std::string_view turn = ".turn"; // no connection has a name like this
    constexpr Duration pause = std::chrono::milliseconds(20);
    constexpr int attempts = 500;
    const system::Progress progress("waiting for another connect or disconnect to be done");
    for (int attempt = 1;; ++attempt) {
        auto lock = system::InstanceLock::acquire(std::string(run_directory), turn);
        if (lock) return std::move(*lock);
        if (!lock.error().held) return refuse(ExitCode::failure, lock.error().message);
        if (attempt == attempts)
            return refuse(ExitCode::failure, "another connect is taking very long (process " +
                                                 std::to_string(lock.error().holder) + "): look at what it waits for, or end it");
        if (stop()) return refuse(ExitCode::failure, "interrupted: nothing was changed");
        std::this_thread::sleep_for(pause);
    }
}

} // namespace vpn::client
