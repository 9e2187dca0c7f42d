#include "common/system/directory_watch.hpp"

#include <sys/inotify.h>

#include <array>
#include <cerrno>

namespace vpn::system {

OsResult<DirectoryWatch> DirectoryWatch::open(const std::string& directory) {
    const std::string what = "cannot watch " + directory;
    UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return os_failed(what, errno);
    constexpr unsigned changes = IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    if (::inotify_add_watch(fd.get(), directory.c_str(), changes) < 0) return os_failed(what, errno);
    return DirectoryWatch(std::move(fd));
}

void DirectoryWatch::acknowledge() const {
    std::array<std::byte, 4096> events{};
    while (::read(fd_.get(), events.data(), events.size()) > 0) {
    }
}

} // namespace vpn::system
