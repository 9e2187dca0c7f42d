#include "common/system/instance_lock.hpp"

#include "common/base/ip.hpp"
#include "common/system/os_error.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <limits>

namespace vpn::system {
namespace {

tl::unexpected<LockError> lock_failed(const std::string& path, int error) {
    return tl::unexpected<LockError>(LockError{{"cannot lock " + path + ": " + errno_text(error)}});
}

pid_t read_pid(int fd) {
    std::array<char, 16> text{};
    const ssize_t length = ::pread(fd, text.data(), text.size(), 0);
    if (length <= 1) return 0;
    const auto pid = parse_decimal({text.data(), static_cast<std::size_t>(length) - 1}, std::numeric_limits<std::int32_t>::max());
    return static_cast<pid_t>(pid.value_or(0));
}

/// False if the file we locked was removed by the one who held it before.
bool still_there(int fd, const std::string& path) {
    struct stat ours {};
    struct stat named {};
    return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

} // namespace

Result<InstanceLock, LockError> InstanceLock::acquire(const std::string& directory, std::string_view name) {
    const std::string path = directory + "/" + std::string(name) + ".lock";
    for (;;) {
        UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!fd) return lock_failed(path, errno);
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) return lock_failed(path, errno);
            const pid_t holder = read_pid(fd.get());
            const std::string who = holder == 0 ? "another process" : "process " + std::to_string(holder);
            return tl::unexpected<LockError>(LockError{{std::string(name) + " is already running (" + who + ")"}, true, holder});
        }
        if (!still_there(fd.get(), path)) continue;
        const std::string pid = std::to_string(::getpid()) + "\n";
        if (::ftruncate(fd.get(), 0) != 0) return lock_failed(path, errno);
        if (::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) return lock_failed(path, errno);
        return InstanceLock(std::move(fd), path);
    }
}

InstanceLock& InstanceLock::operator=(InstanceLock&& other) noexcept {
    if (this != &other) {
        release();
        fd_ = std::move(other.fd_);
        path_ = std::move(other.path_);
    }
    return *this;
}

void InstanceLock::release() {
    if (fd_) ::unlink(path_.c_str()); // before it is unlocked: the next holder makes its own
    fd_.reset();
}

} // namespace vpn::system
