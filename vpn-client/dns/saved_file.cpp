#include "vpn-client/dns/saved_file.hpp"

#include "common/system/files.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <optional>

namespace vpn::client {
namespace {

using system::UniqueFd;
using Kind = SavedFile::Kind;

constexpr ByteCount largest{1ULL << 20U};
constexpr unsigned permissions = 07777;

tl::unexpected<Failure> failed_at(const std::string& what, const std::string& path, int error) {
    return failed("cannot " + what + ' ' + path + ": " + system::errno_text(error));
}

/// Zero or an errno.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t wrote = ::write(fd, text.data(), text.size());
        if (wrote < 0 && errno != EINTR) return errno;
        if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return 0;
}

std::string beside(const std::string& path) { return path + ".vpn-new"; }

int make_link(const std::string& path, const SavedFile& saved) {
    return ::symlink(saved.content.c_str(), path.c_str()) == 0 ? 0 : errno;
}

int make_file(const std::string& path, const SavedFile& saved) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return errno;
    if (const int error = write_all(fd.get(), saved.content); error != 0) return error;
    // Who gave up CAP_CHOWN can't give a file away; that it is there again matters more.
    if (::fchown(fd.get(), saved.owner, saved.group) != 0 && errno != EPERM) return errno;
    if (::fchmod(fd.get(), saved.mode & permissions) != 0) return errno;
    return ::fsync(fd.get()) == 0 ? 0 : errno;
}

/// Into what is there, since nothing can take its place.
int fill_file(const std::string& path, std::string_view text) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW));
    return fd ? write_all(fd.get(), text) : errno;
}

int replace(const std::string& path, const SavedFile& saved) {
    remove_unfinished(path);
    const std::string unfinished = beside(path);
    int error = saved.kind == Kind::link ? make_link(unfinished, saved) : make_file(unfinished, saved);
    if (error == 0 && ::rename(unfinished.c_str(), path.c_str()) != 0) error = errno;
    if (error != 0) remove_unfinished(path);
    return error;
}

int put(const std::string& path, const SavedFile& saved) {
    const bool nothing = saved.kind == Kind::nothing;
    int error = 0;
    if (nothing)
        error = ::unlink(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
    else
        error = replace(path, saved);
    const bool in_place = error == EBUSY || error == EROFS;
    if (!in_place || saved.kind == Kind::link) return error;
    return fill_file(path, nothing ? std::string_view() : std::string_view(saved.content));
}

} // namespace

Result<SavedFile> save_file(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return SavedFile{};
        return failed_at("look at", path, errno);
    }
    SavedFile saved{Kind::file, {}, status.st_mode & permissions, status.st_uid, status.st_gid};
    if (S_ISLNK(status.st_mode)) {
        std::array<char, PATH_MAX> target{};
        const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
        if (length < 0) return failed_at("read", path, errno);
        return SavedFile{Kind::link, std::string(target.data(), static_cast<std::size_t>(length)), 0, 0, 0};
    }
    auto text = system::read_file(path, largest);
    if (!text) return failed(text.error().message);
    saved.content = std::move(*text);
    return saved;
}

Result<void> put_file(const std::string& path, const SavedFile& saved) {
    if (const int error = put(path, saved); error != 0) return failed_at("write", path, error);
    return {};
}

void remove_unfinished(const std::string& path) { ::unlink(beside(path).c_str()); }

} // namespace vpn::client
