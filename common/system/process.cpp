#include "common/system/process.hpp"

#include "common/system/os_error.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace vpn::system {
namespace {

bool has_capability(unsigned capability) {
    __user_cap_header_struct header{};
    header.version = _LINUX_CAPABILITY_VERSION_3;
    std::array<__user_cap_data_struct, 2> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
    return (data.at(capability / 32U).effective >> (capability % 32U) & 1U) != 0;
}

/// With a limit on locked memory, a lock on what is to come would make later allocations fail.
bool may_lock_without_limit() {
    if (has_capability(CAP_IPC_LOCK)) return true;
    rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    return ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

} // namespace

std::optional<std::string> protect_memory() {
    std::string undone;
    const auto note = [&undone](const std::string& what) { undone += (undone.empty() ? "" : "; ") + what; };

    if (!may_lock_without_limit()) {
        note("memory can't be locked, keys may reach the swap: CAP_IPC_LOCK is missing");
    } else if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
        note("memory can't be locked, keys may reach the swap: " + errno_text(errno));
    }
    if (::prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0) note("other processes may look into this one: " + errno_text(errno));
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) note("cores can't be forbidden: " + errno_text(errno));
    return undone.empty() ? std::nullopt : std::optional(undone);
}

bool has_net_admin() { return has_capability(CAP_NET_ADMIN); }

std::uint64_t raise_open_files_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    rlimit raised{limit.rlim_max, limit.rlim_max};
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

void keep_large_blocks_apart() { ::mallopt(M_MMAP_THRESHOLD, 256 * 1024); }

void open_missing_streams() {
    int fd = 0;
    do fd = ::open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) ::close(fd);
}

void give_back_memory() { ::malloc_trim(0); }

} // namespace vpn::system
