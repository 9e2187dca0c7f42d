// The kernel's switches under /proc/sys, of the calling thread's network namespace; put back when done.
#pragma once

#include "common/system/os_error.hpp"

#include <string>
#include <string_view>

namespace vpn::system {

/// `path` is below /proc/sys with slashes, `net/ipv4/conf/eth0.100/forwarding`: interface names may hold dots.
/// Without the line's end. Errors: ENOENT where the kernel has no such switch.
OsResult<std::string> read_sysctl(std::string_view path);
OsResult<void> write_sysctl(std::string_view path, std::string_view value);

/// A switch that goes back to what it was. Move-only.
class ScopedSysctl {
  public:
    /// Writes nothing, then or later, if the value is there already.
    static OsResult<ScopedSysctl> set(std::string path, std::string_view value);
    /// Takes over from a predecessor that crashed: restores `before` when it goes.
    static ScopedSysctl adopt(std::string path, std::string before);
    ScopedSysctl(ScopedSysctl&& other) noexcept;
    ScopedSysctl& operator=(ScopedSysctl&& other) noexcept;
    ~ScopedSysctl() { revert(); }

    [[nodiscard]] const std::string& path() const { return path_; }
    /// What will be restored; empty if nothing will.
    [[nodiscard]] const std::string& before() const { return before_; }
    /// Puts it back now. A second call does nothing.
    void revert();

  private:
    ScopedSysctl(std::string path, std::string before) : path_(std::move(path)), before_(std::move(before)) {}

    std::string path_;
    std::string before_;
};

} // namespace vpn::system
