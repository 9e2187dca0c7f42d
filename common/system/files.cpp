#include "common/system/files.hpp"

#include "common/base/ip.hpp"
#include "common/base/secret.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unfinished_file.hpp"
#include "common/system/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace vpn::system {
namespace {

using Kind = FileError::Kind;

tl::unexpected<FileError> refuse(Kind kind, std::string message) {
    return tl::unexpected<FileError>(FileError{{std::move(message)}, kind});
}

tl::unexpected<FileError> refuse_errno(const std::string& what, int error) {
    Kind kind = Kind::other;
    if (error == ENOENT || error == ENOTDIR) kind = Kind::missing;
    if (error == EACCES || error == EPERM || error == EROFS) kind = Kind::not_allowed;
    return refuse(kind, what + ": " + errno_text(error));
}

void wipe_text(std::string& text) { wipe(std::as_writable_bytes(std::span(text.data(), text.size()))); }

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777U));
    return text.data();
}

/// Us, root, or the person who became root for this command.
bool is_trusted_owner(uid_t owner) {
    if (owner == 0 || owner == ::geteuid()) return true;
    const char* caller = ::geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
    return caller != nullptr && parse_decimal(caller, std::numeric_limits<std::uint32_t>::max()) == owner;
}

enum class Privacy : std::uint8_t { any, readable, only_ours, only_roots };

Result<void, FileError> check_private(const std::string& path, const struct stat& status, Privacy privacy) {
    if (privacy == Privacy::readable) {
        if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
            return refuse(Kind::too_open, path + " may be written by others (mode " + octal(status.st_mode) +
                                              "): look at what it says, then run `chmod go-w " + path + "`");
    } else if ((status.st_mode & (S_IRWXG | S_IRWXO) & ~static_cast<mode_t>(S_IXGRP | S_IXOTH)) != 0) {
        return refuse(Kind::too_open, path + " may be read or written by others (mode " + octal(status.st_mode) +
                                          " instead of 0600): run `chmod 600 " + path + "`");
    }
    if (privacy == Privacy::only_roots && status.st_uid != 0) {
        return refuse(Kind::too_open, path + " belongs to user " + std::to_string(status.st_uid) +
                                          ", who could have root run anything: look at what it says, then run `chown root " +
                                          path + "`");
    }
    if (!is_trusted_owner(status.st_uid)) {
        return refuse(Kind::too_open, path + " belongs to user " + std::to_string(status.st_uid) +
                                          ", who could change it: run `chown " + std::to_string(::geteuid()) + " " + path + "`");
    }
    return {};
}

/// Reads to the end, leaving no copy of the text behind. Errors: EFBIG beyond `limit`.
Result<std::string, int> read_all(int fd, std::size_t expected, std::size_t limit) {
    std::string text(std::min(expected, limit) + 1, '\0');
    std::size_t filled = 0;
    int error = 0;
    while (error == 0) {
        if (filled > limit) error = EFBIG;
        if (filled == text.size()) {
            std::string larger(text.size() * 2, '\0');
            text.copy(larger.data(), filled);
            wipe_text(text);
            text.swap(larger);
        }
        const ssize_t got = error != 0 ? -1 : ::read(fd, text.data() + filled, text.size() - filled);
        if (got == 0) {
            text.resize(filled);
            return text;
        }
        if (got > 0) filled += static_cast<std::size_t>(got);
        if (got < 0 && error == 0 && errno != EINTR) error = errno;
    }
    wipe_text(text);
    return tl::unexpected(error);
}

Result<std::string, FileError> read_checked(const std::string& path, ByteCount limit, Privacy privacy) {
    // Non-blocking, for opening a pipe would wait for a writer.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return refuse_errno("cannot read " + path, errno);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return refuse_errno("cannot read " + path, errno);
    if (!S_ISREG(status.st_mode)) return refuse(Kind::not_regular, path + " is not a regular file");
    if (privacy != Privacy::any) {
        if (auto checked = check_private(path, status, privacy); !checked) return tl::unexpected(checked.error());
    }
    auto text = read_all(fd.get(), static_cast<std::size_t>(status.st_size), limit.value);
    if (text) return std::move(*text);
    if (text.error() == EFBIG) return refuse(Kind::too_large, path + " is larger than " + std::to_string(limit.value) + " bytes");
    return refuse_errno("cannot read " + path, text.error());
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_in_directory(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// Writes the rest of it, and gives it the name. Requires: it was made.
Result<std::optional<FileStamp>, FileError> finish(UnfinishedFile& temporary, const std::string& path, std::string_view text,
                                                   unsigned mode) {
    if (const int error = temporary.fill(text, mode); error != 0) return refuse_errno("cannot write " + path, error);
    if (const int error = temporary.rename_to(path); error != 0) return refuse_errno("cannot write " + path, error);
    // The new name itself must survive a power cut. Where a directory can't be synced, nothing better can be done.
    const UniqueFd directory(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) ::fsync(directory.get());
    return stamp_of(temporary.fd()); // whatever has that name by now
}

} // namespace

Result<std::string, FileError> read_private_file(const std::string& path, ByteCount limit) {
    return read_checked(path, limit, Privacy::only_ours);
}

Result<std::string, FileError> read_public_file(const std::string& path, ByteCount limit) {
    return read_checked(path, limit, Privacy::readable);
}

Result<std::string, FileError> read_root_file(const std::string& path, ByteCount limit) {
    return read_checked(path, limit, Privacy::only_roots);
}

Result<std::string, FileError> read_file(const std::string& path, ByteCount limit) {
    return read_checked(path, limit, Privacy::any);
}

Result<std::optional<FileStamp>, FileError> write_stamped_file(const std::string& path, std::string_view text, unsigned mode) {
    remove_unfinished(directory_of(path), name_in_directory(path));
    UnfinishedFile temporary(path);
    if (!temporary.made()) return refuse_errno("cannot write " + path, errno);
    return finish(temporary, path, text, mode);
}

Result<std::optional<FileStamp>, FileError> write_new_ending(const std::string& path, const FileStamp& present, ByteCount dropped,
                                                             std::string_view text, unsigned mode) {
    const UniqueFd there(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!there || stamp_of(there.get()) != present) return std::nullopt;
    remove_unfinished(directory_of(path), name_in_directory(path));
    UnfinishedFile temporary(path);
    if (!temporary.made()) return refuse_errno("cannot write " + path, errno);
    const auto kept = static_cast<std::size_t>(present.size) - dropped.value;
    // Whoever writes into it meanwhile changes its stamp.
    if (!temporary.copy_from(there.get(), kept) || stamp_of(there.get()) != present) return std::nullopt;
    return finish(temporary, path, text, mode);
}

Result<void, FileError> write_file(const std::string& path, std::string_view text, unsigned mode) {
    if (auto written = write_stamped_file(path, text, mode); !written) return tl::unexpected(std::move(written.error()));
    return {};
}

Result<void, FileError> write_private_file(const std::string& path, std::string_view text) {
    return write_file(path, text, 0600);
}

Result<void, FileError> write_state_file(const std::string& path, std::string_view text) {
    auto present = read_private_file(path);
    const bool same = present && *present == text;
    if (present) wipe_text(*present);
    if (same) return {};
    return write_private_file(path, text);
}

Result<void, FileError> remove_file(const std::string& path) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return refuse_errno("cannot remove " + path, errno);
}

Result<void, FileError> ensure_directory(const std::string& path, unsigned mode) {
    if (::mkdir(path.c_str(), mode) == 0) {
        if (::chmod(path.c_str(), mode) != 0) return refuse_errno("cannot make the directory " + path, errno);
        return {};
    }
    if (errno != EEXIST) return refuse_errno("cannot make the directory " + path, errno);
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return refuse_errno("cannot look at " + path, errno);
    if (!S_ISDIR(status.st_mode)) return refuse(Kind::not_regular, path + " is not a directory");
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        return refuse(Kind::too_open, path + " belongs to user " + std::to_string(status.st_uid));
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return refuse(Kind::too_open,
                      "others may write to " + path + " (mode " + octal(status.st_mode) + "): run `chmod go-w " + path + "`");
    }
    return {};
}

} // namespace vpn::system
