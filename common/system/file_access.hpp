// Which files a process may still touch once it runs (Landlock; THREATS, "a bug of our own"): beneath some directories it reads,
// beneath fewer it writes, and everything else is refused as if by its owner. What is open already stays open.
// Refuses to know: whose files they are, and what for.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vpn::system {

/// Directories, with all that will ever lie beneath them, or files as they are now. What is not there is passed over.
struct FileAccess {
    std::vector<std::string> readable;
    std::vector<std::string> writable; ///< and readable: files made, changed, renamed and removed
    std::vector<std::string> runnable; ///< and readable
};

/// What any daemon reads: the C library's own, the machine's names and settings, the kernel's files.
std::vector<std::string> read_by_daemons();
/// Where a system keeps its programs, and theirs.
std::vector<std::string> run_by_daemons();

/// Of this thread, those that it starts, and every program that they start. Can't be taken back.
/// Requires: no_new_privs, or CAP_SYS_ADMIN. Kernels differ in what they can refuse; what this one can is refused.
/// Returns what could not be done, as one sentence; nullopt if all was.
[[nodiscard]] std::optional<std::string> allow_files(const FileAccess& access);

} // namespace vpn::system
