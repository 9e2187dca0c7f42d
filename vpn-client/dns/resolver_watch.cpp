#include "vpn-client/dns/resolver_watch.hpp"

#include "vpn-client/dns/present_resolvers.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace vpn::client {
namespace {

/// Who writes them may need more than one go.
constexpr Duration until_written = std::chrono::milliseconds(100);
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR;

} // namespace

ResolverWatch::ResolverWatch(boost::asio::io_context& loop, std::function<void()> changed)
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), quiet_(loop, [this, told = std::move(changed)] {
          soon_ = false;
          told();
      }) {
    if (!inotify_) return;
    const auto add = [this](const std::string& directory) {
        return ::inotify_add_watch(inotify_.get(), directory.c_str(), changes); // it may not be there
    };
    for (const std::string& directory : resolver_directories()) static_cast<void>(add(directory));
    for (const std::string& directory : resolver_record_directories())
        if (const int descriptor = add(directory); descriptor >= 0) records_.push_back(descriptor);
    watch_.emplace(loop, inotify_.get(), [this] { hear(); });
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
            touched = touched || record || name == "resolv.conf";
            at += sizeof event + event.len;
        }
    }
    if (touched && !std::exchange(soon_, true)) quiet_.set_in(until_written);
}

} // namespace vpn::client
