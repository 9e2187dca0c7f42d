#include "common/system/file_stamp.hpp"

#include "common/system/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

namespace vpn::system {
namespace {

/// FAT's two seconds are the coarsest there are.
constexpr std::chrono::seconds coarsest{3};
/// File systems that don't keep nanoseconds keep ten milliseconds, or none.
constexpr std::chrono::milliseconds coarse{1};

Wall wall(const timespec& at) { return Wall(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec)); }

} // namespace

bool FileStamp::is_settled(Wall now) const { return now - std::max(modified, changed) > coarsest; }

bool FileStamp::is_precise() const { return modified.time_since_epoch() % coarse != Duration::zero(); }

std::optional<FileStamp> stamp_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return std::nullopt;
    return FileStamp{.device = status.st_dev,
                     .inode = status.st_ino,
                     .size = status.st_size,
                     .modified = wall(status.st_mtim),
                     .changed = wall(status.st_ctim)};
}

std::optional<FileStamp> stamp_of(const std::string& path) {
    const UniqueFd fd(
        ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); // opened: a file server's answer is not a minute old
    return fd ? stamp_of(fd.get()) : std::nullopt;
}

} // namespace vpn::system
