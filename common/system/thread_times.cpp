#include "common/system/thread_times.hpp"

#include "common/system/directory.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace vpn::system {
namespace {

namespace fs = std::filesystem;

/// Of proc(5)'s `stat`, behind the name, which may hold anything.
constexpr int fields_before_user_time = 11;

struct Thread {
    std::string name;
    Duration time;
};

/// Nothing if it has just ended.
std::optional<Thread> read_thread(const fs::path& directory) {
    std::ifstream file(directory / "stat");
    std::string stat;
    if (!std::getline(file, stat)) return std::nullopt;
    const std::size_t begin = stat.find('(');
    const std::size_t end = stat.rfind(')');
    if (begin == std::string::npos || end == std::string::npos || end < begin) return std::nullopt;
    std::istringstream rest(stat.substr(end + 1));
    std::string skipped;
    for (int i = 0; i < fields_before_user_time; ++i) rest >> skipped;
    std::int64_t user = 0;
    std::int64_t system = 0;
    if (!(rest >> user >> system)) return std::nullopt;
    const std::int64_t per_second = ::sysconf(_SC_CLK_TCK);
    const std::chrono::nanoseconds tick = std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second;
    return Thread{stat.substr(begin + 1, end - begin - 1), (user + system) * tick};
}

} // namespace

std::map<std::string, Duration> thread_times() {
    std::map<std::string, Duration> times;
    for (const fs::path& path : paths_in("/proc/self/task")) // without /proc there is nothing to tell
        if (const auto thread = read_thread(path)) times[thread->name] += thread->time;
    return times;
}

} // namespace vpn::system
