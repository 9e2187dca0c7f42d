#include "common/system/xtables_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace vpn::system {
namespace {

constexpr std::string_view file_name = "xtables.lock";

} // namespace

OsResult<XtablesWatch> XtablesWatch::open(std::string directory) {
    const std::string what = "cannot watch " + directory;
    UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return os_failed(what, errno);
    constexpr unsigned comes = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
    if (::inotify_add_watch(fd.get(), directory.c_str(), comes) < 0) return os_failed(what, errno);
    XtablesWatch watch(std::move(fd), std::move(directory));
    watch.watch_file();
    return watch;
}

void XtablesWatch::watch_file() {
    const std::string path = directory_ + '/' + std::string(file_name);
    file_ = ::inotify_add_watch(fd_.get(), path.c_str(), IN_CLOSE | IN_DONT_FOLLOW);
}

bool XtablesWatch::read() {
    bool heard = false;
    alignas(inotify_event) std::array<char, 4096> events{};
    for (;;) {
        const ssize_t got = ::read(fd_.get(), events.data(), events.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return heard;
        for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
            inotify_event event;
            std::memcpy(&event, &events[at], sizeof event);
            const char* const name = &events[at] + sizeof event;
            at += sizeof event + event.len;
            const bool came = event.len > 0 && file_name == name;
            if (came) watch_file(); // another one than before, perhaps
            const bool ran = event.wd == file_ && (event.mask & IN_CLOSE) != 0;
            if (came || ran || (event.mask & IN_Q_OVERFLOW) != 0) heard = true;
        }
    }
}

} // namespace vpn::system
