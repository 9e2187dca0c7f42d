#include "common/system/file_access.hpp"

#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace vpn::system {
namespace {

using Rights = std::uint64_t;

/// A version of Landlock, and what it was the first to refuse. Our headers may be older than the kernel.
struct Version {
    int number;
    Rights rights;
};
constexpr Rights truncate = 1ULL << 14U;
constexpr Rights device_ioctl = 1ULL << 15U;
constexpr std::array versions{Version{1, LANDLOCK_ACCESS_FS_REFER - 1}, Version{2, LANDLOCK_ACCESS_FS_REFER},
                              Version{3, truncate}, Version{5, device_ioctl}};

constexpr Rights to_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr Rights to_run = to_read | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr Rights to_write = to_read | LANDLOCK_ACCESS_FS_WRITE_FILE | truncate | LANDLOCK_ACCESS_FS_REFER |
                            LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM |
                            LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                            LANDLOCK_ACCESS_FS_REMOVE_DIR;
/// The others make sense beneath a directory only, and the kernel insists.
constexpr Rights of_a_file =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE | truncate | device_ioctl;

/// What this kernel can refuse; nothing if it has no Landlock.
Rights refusable() {
    const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    Rights rights = 0;
    for (const Version& each : versions)
        if (version >= each.number) rights |= each.rights;
    return rights;
}

/// Zero or an errno. What is not there, or can't be opened, is passed over.
int grant(int ruleset, const std::string& path, Rights rights) {
    const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!place || ::fstat(place.get(), &status) != 0) return 0;
    landlock_path_beneath_attr rule{};
    rule.parent_fd = place.get();
    rule.allowed_access = S_ISDIR(status.st_mode) ? rights : rights & of_a_file;
    if (rule.allowed_access == 0) return 0;
    return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ? 0 : errno;
}

int grant_all(int ruleset, const std::vector<std::string>& paths, Rights rights) {
    for (const std::string& path : paths)
        if (const int error = grant(ruleset, path, rights); error != 0) return error;
    return 0;
}

std::optional<std::string> unable(int error) { return "files can't be closed to this process: " + errno_text(error); }

} // namespace

std::vector<std::string> read_by_daemons() {
    std::vector<std::string> paths = run_by_daemons();
    for (const char* const path : {"/etc", "/run", "/proc", "/sys", "/dev"}) paths.emplace_back(path);
    return paths;
}

std::vector<std::string> run_by_daemons() {
    return {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"};
}

std::optional<std::string> allow_files(const FileAccess& access) {
    const Rights handled = refusable();
    if (handled == 0) return "files can't be closed to this process: the kernel has no Landlock, or it is off";
    landlock_ruleset_attr attributes{};
    attributes.handled_access_fs = handled;
    // As long as its first version: that is all that we ask for, and every kernel takes it.
    constexpr std::size_t length = sizeof attributes.handled_access_fs;
    const UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, length, 0)));
    if (!ruleset) return unable(errno);
    for (const auto& [paths, rights] :
         {std::pair(&access.readable, to_read), std::pair(&access.writable, to_write), std::pair(&access.runnable, to_run)})
        if (const int error = grant_all(ruleset.get(), *paths, rights & handled); error != 0) return unable(error);
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return unable(errno);
    return std::nullopt;
}

} // namespace vpn::system
