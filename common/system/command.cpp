#include "common/system/command.hpp"

#include "common/system/child_process.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace vpn::system {
namespace {

constexpr std::size_t most_said = 4096;
constexpr std::array<std::string_view, 4> directories{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"};

/// Bytes in memory that a program may read or write without our having to serve it meanwhile.
UniqueFd memory_with(std::string_view text) {
    UniqueFd fd(::memfd_create("command", MFD_CLOEXEC));
    while (fd && !text.empty()) {
        const ssize_t wrote = ::write(fd.get(), text.data(), text.size());
        if (wrote <= 0) return {};
        text.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (fd) ::lseek(fd.get(), 0, SEEK_SET);
    return fd;
}

std::string beginning_of(const UniqueFd& fd) {
    std::string text(most_said, '\0');
    const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

} // namespace

Result<CommandResult> run_command(const std::vector<std::string>& words, std::string_view input, Duration limit) {
    const UniqueFd to_it = memory_with(input);
    const UniqueFd from_it = memory_with({});
    if (!to_it || !from_it) return failed("cannot run " + words.front() + ": " + errno_text(errno));
    const auto end = run_to_end(words, limit, -1, {.input = to_it.get(), .output = from_it.get(), .slow = {}});
    if (!end) return failed(end.error().message);
    switch (end->kind) {
    case ChildEnd::Kind::exited: return CommandResult{end->code, beginning_of(from_it)};
    case ChildEnd::Kind::killed: return CommandResult{128 + end->code, beginning_of(from_it)};
    case ChildEnd::Kind::too_slow:
    case ChildEnd::Kind::interrupted: break;
    }
    return failed(words.front() + " takes too long");
}

std::string find_program(std::string_view name) {
    for (const std::string_view directory : directories) {
        std::string path = std::string(directory) + std::string(name);
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

} // namespace vpn::system
