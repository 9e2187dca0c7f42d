// What each thread of this process has had of the machine's cores, as the kernel counts it. Refuses to know: what threads do.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

namespace vpn::bench {

/// How the CPU time of some threads lies on them.
struct Usage {
    double cores = 0;         ///< of all of them together
    double busiest_share = 0; ///< the busiest one's of that
};

/// The threads that there are when it is made, but not the one that the process began with.
class ThreadUsage {
  public:
    ThreadUsage() : before_(seconds_by_thread()) {}

    /// Of those threads since then, in `seconds`.
    [[nodiscard]] Usage since(double seconds) const {
        const auto now = seconds_by_thread();
        double sum = 0;
        double most = 0;
        for (const auto& [thread, start] : before_) {
            const auto found = now.find(thread);
            if (found == now.end() || thread == ::getpid()) continue;
            sum += found->second - start;
            most = std::max(most, found->second - start);
        }
        return {sum / seconds, sum > 0 ? most / sum : 0};
    }

  private:
    static std::map<int, double> seconds_by_thread() {
        std::map<int, double> seconds;
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            const std::string name = task.path().filename();
            int thread = 0;
            std::from_chars(name.data(), name.data() + name.size(), thread);
            double nanoseconds = 0;
            std::ifstream(task.path() / "schedstat") >> nanoseconds;
            seconds[thread] = nanoseconds * 1e-9;
        }
        return seconds;
    }
    std::map<int, double> before_;
};

} // namespace vpn::bench
