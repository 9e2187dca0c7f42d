#include "vpn-client/dns/resolver_watch.hpp"

#include "vpn-client/dns/present_resolvers.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

namespace vpn::client {
namespace {

namespace fs = std::filesystem;

/// Who writes them may need more than one go.
constexpr Duration until_written = std::chrono::milliseconds(100);
/// A directory came or went, or the kernel has lost count.
constexpr std::uint32_t unclear = IN_ISDIR | IN_IGNORED | IN_Q_OVERFLOW;
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR;

} // namespace

ResolverWatch::ResolverWatch(boost::asio::io_context& loop, std::function<void()> changed)
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), quiet_(loop, [this, told = std::move(changed)] {
          soon_ = false;
          look_again(); // before anybody reads them: what is written after that is heard
          told();
      }) {
    if (!inotify_) return;
    look_again();
    watch_.emplace(loop, inotify_.get(), [this] { hear(); });
}

void ResolverWatch::look_again() {
    for (const std::string& directory : resolver_directories()) add(directory);
    std::vector<int> records;
    for (const std::string& directory : resolver_record_directories())
        if (const int descriptor = add(directory); descriptor >= 0) records.push_back(descriptor);
    records_ = std::move(records);
}

/// Where it is not there, the nearest directory above it is watched, in which it may appear, and the answer is negative.
int ResolverWatch::add(const std::string& directory) {
    const auto watched = [this](const fs::path& path) { return ::inotify_add_watch(inotify_.get(), path.c_str(), changes); };
    const int descriptor = watched(directory);
    if (descriptor >= 0) return descriptor;
    for (fs::path above = directory; errno == ENOENT && above.has_relative_path();) {
        above = above.parent_path();
        if (watched(above) >= 0) break;
    }
    return -1;
}

void ResolverWatch::hear() {
    alignas(inotify_event) std::array<char, 4096> buffer{};
    bool touched = false;
    for (ssize_t got = 0; (got = ::read(inotify_.get(), buffer.data(), buffer.size())) > 0;) {
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
            inotify_event event{};
            std::memcpy(&event, &buffer.at(at), sizeof event);
            const std::string_view name(event.len > 0 ? &buffer.at(at + sizeof event) : "");
            const bool record = std::ranges::find(records_, event.wd) != records_.end();
            touched = touched || record || name == "resolv.conf" || (event.mask & unclear) != 0;
            at += sizeof event + event.len;
        }
    }
    if (touched && !std::exchange(soon_, true)) quiet_.set_in(until_written);
}

} // namespace vpn::client
