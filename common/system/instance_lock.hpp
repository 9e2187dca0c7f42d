// One daemon of a name at a time: a lock that the kernel lets go when its holder dies, however it dies.
#pragma once

#include "common/base/result.hpp"
#include "common/system/unique_fd.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace vpn::system {

/// `held`: another process has it, whose pid is given where it could be read (else 0). Otherwise the file could not be made.
struct LockError : Failure {
    bool held = false;
    pid_t holder = 0;
};

/// Holds `DIRECTORY/NAME.lock`, which contains our pid; removes it when it goes. Move-only.
/// Take it after daemonise(): a forked child shares the lock, and keeps it.
class InstanceLock {
  public:
    static Result<InstanceLock, LockError> acquire(const std::string& directory, std::string_view name);
    InstanceLock(InstanceLock&&) noexcept = default;
    InstanceLock& operator=(InstanceLock&& other) noexcept;
    ~InstanceLock() { release(); }

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    InstanceLock(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    void release();

    UniqueFd fd_;
    std::string path_;
};

} // namespace vpn::system
