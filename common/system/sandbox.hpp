// A daemon's own walls, put up once all stands and before it listens to anybody: privileges, files and system calls, in the order
// in which one still allows the next. Refuses to know: what the daemon is.
#pragma once

#include "common/system/file_access.hpp"
#include "common/system/privileges.hpp"
#include "common/system/syscall_filter.hpp"

#include <initializer_list>
#include <string>
#include <vector>

namespace vpn::system {

/// keep_only, allow_files and allow_system_calls. Capabilities and files are a thread's own: call it while there is one.
/// Returns what could not be done, a sentence each; the rest was.
[[nodiscard]] std::vector<std::string> shut_in(std::initializer_list<Capability> kept, const FileAccess& files,
                                               const SyscallNeeds& calls);

} // namespace vpn::system
