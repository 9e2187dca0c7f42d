#include "common/system/sysctl.hpp"

#include "common/system/unique_fd.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <utility>

namespace vpn::system {
namespace {

std::string file_of(std::string_view path) { return "/proc/sys/" + std::string(path); }

} // namespace

OsResult<std::string> read_sysctl(std::string_view path) {
    const std::string what = "cannot read " + file_of(path);
    const UniqueFd fd(::open(file_of(path).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return os_failed(what, errno);
    std::array<char, 4096> text{};
    const ssize_t length = ::read(fd.get(), text.data(), text.size());
    if (length < 0) return os_failed(what, errno);
    std::string value(text.data(), static_cast<std::size_t>(length));
    while (!value.empty() && value.back() == '\n') value.pop_back();
    return value;
}

OsResult<void> write_sysctl(std::string_view path, std::string_view value) {
    const std::string what = "cannot set " + file_of(path) + " to " + std::string(value);
    const UniqueFd fd(::open(file_of(path).c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return os_failed(what, errno);
    if (::write(fd.get(), value.data(), value.size()) < 0) return os_failed(what, errno);
    return {};
}

OsResult<ScopedSysctl> ScopedSysctl::set(std::string path, std::string_view value) {
    auto before = read_sysctl(path);
    if (!before) return tl::unexpected(before.error());
    if (*before == value) return ScopedSysctl(std::move(path), {});
    if (auto written = write_sysctl(path, value); !written) return tl::unexpected(written.error());
    return ScopedSysctl(std::move(path), std::move(*before));
}

ScopedSysctl ScopedSysctl::adopt(std::string path, std::string before) { return {std::move(path), std::move(before)}; }

ScopedSysctl::ScopedSysctl(ScopedSysctl&& other) noexcept
    : path_(std::move(other.path_)), before_(std::exchange(other.before_, {})) {}

ScopedSysctl& ScopedSysctl::operator=(ScopedSysctl&& other) noexcept {
    if (this != &other) {
        revert();
        path_ = std::move(other.path_);
        before_ = std::exchange(other.before_, {});
    }
    return *this;
}

void ScopedSysctl::revert() {
    if (before_.empty()) return;
    static_cast<void>(write_sysctl(path_, std::exchange(before_, {})));
}

} // namespace vpn::system
