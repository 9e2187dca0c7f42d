// What a process may still ask of the kernel once it runs: the calls on a list, and no others (seccomp; THREATS, "a bug of our
// own"). Any other call ends the process on the spot, and nothing but that process. Where programs of others are started, whose
// calls nobody can know by heart, it is refused instead (EPERM): one call more than listed must not cost a machine its name
// servers. Refuses to know: who needs which of them, and files.
//
// Why a list of what is allowed, and not of what is dangerous: the kernel grows by several calls a year, and whoever lists
// dangers has never heard of the next one. What makes such lists brittle is a C library that is newer than the list. So
// - the list is by purpose and generous within each (both of `stat` and `statx`, `poll` and `ppoll`), as systemd's groups are, on
//   which most daemons of a distribution rest;
// - calls younger than the list are not there instead of deadly: libraries then do without, as they do on an older kernel;
// - names that this machine's processor doesn't have are passed over.
// Arguments count where a call is many things in one: families of sockets, namespaces made on the way by clone, memory that can
// be both written and run.
#pragma once

#include <optional>
#include <string>

namespace vpn::system {

/// Beyond what every daemon of ours does.
struct SyscallNeeds {
    bool programs = false; ///< it starts others, which are held to the same list
};

/// For every thread there is and will be, and for every program that is started. Can't be taken back.
/// Requires: no_new_privs, or CAP_SYS_ADMIN. Returns what could not be done, as one sentence; nullopt if all was.
[[nodiscard]] std::optional<std::string> allow_system_calls(const SyscallNeeds& needs);

} // namespace vpn::system
