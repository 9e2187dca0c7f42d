#include "common/system/privileges.hpp"

#include "common/system/os_error.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace vpn::system {
namespace {

using Mask = std::uint64_t;

constexpr Mask bit(unsigned capability) { return Mask{1} << capability; }

Mask bit(Capability capability) {
    switch (capability) {
    case Capability::dac_override: return bit(CAP_DAC_OVERRIDE);
    case Capability::net_admin: return bit(CAP_NET_ADMIN);
    }
    return 0;
}

/// What the kernel takes and gives: two halves of 32.
using Halves = std::array<__user_cap_data_struct, 2>;

__user_cap_header_struct header() {
    __user_cap_header_struct header{};
    header.version = _LINUX_CAPABILITY_VERSION_3;
    return header;
}

Mask permitted() {
    auto about = header();
    Halves halves{};
    if (::syscall(SYS_capget, &about, halves.data()) != 0) return 0;
    return halves[0].permitted | Mask{halves[1].permitted} << 32U;
}

int set_permitted(Mask mask) {
    auto about = header();
    Halves halves{};
    for (unsigned i = 0; i < halves.size(); ++i)
        halves.at(i).effective = halves.at(i).permitted = static_cast<std::uint32_t>(mask >> (32U * i));
    return ::syscall(SYS_capset, &about, halves.data()) == 0 ? 0 : errno;
}

bool locked_memory_unlimited() {
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    return ::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0;
}

/// What programs that we start could get back. Without CAP_SETPCAP it stays, and then no_new_privs alone has to do.
void shrink_bounding_set(Mask kept) {
    for (unsigned capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0L, 0L, 0L) >= 0; ++capability)
        if ((kept & bit(capability)) == 0) ::prctl(PR_CAPBSET_DROP, capability, 0L, 0L, 0L);
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
}

} // namespace

std::optional<std::string> keep_only(std::initializer_list<Capability> kept) {
    Mask mask = locked_memory_unlimited() ? 0 : bit(CAP_IPC_LOCK);
    for (const Capability capability : kept) mask |= bit(capability);
    mask &= permitted();
    shrink_bounding_set(mask);
    if (const int error = set_permitted(mask); error != 0) return "capabilities can't be given up: " + errno_text(error);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) return "new privileges can't be forbidden: " + errno_text(errno);
    return std::nullopt;
}

} // namespace vpn::system
