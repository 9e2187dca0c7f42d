#include "common/system/unfinished_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

namespace vpn::system {
namespace {

/// Nobody calls a file of his own so by chance, as he may call one `server.json.backup`.
constexpr std::string_view mark = ".unfinished-";
constexpr std::string_view letters = "XXXXXX";

bool is_letter(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

int lock(int fd, int how) {
    int result = 0;
    do result = ::flock(fd, how);
    while (result != 0 && errno == EINTR);
    return result;
}

/// False: whoever cleans up has taken it for one that was left, before it was locked.
bool hold(int fd) {
    struct stat status {};
    // Where nothing can be locked, nobody who cleans up can either, and leaves it.
    return lock(fd, LOCK_EX) != 0 || ::fstat(fd, &status) != 0 || status.st_nlink > 0;
}

bool is_same(const struct stat& one, const struct stat& other) {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

void remove_if_left(int directory, const char* name) {
    const UniqueFd fd(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) return;
    if (lock(fd.get(), LOCK_EX | LOCK_NB) != 0) return; // somebody is writing it
    struct stat named {};
    if (::fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && is_same(status, named)) ::unlinkat(directory, name, 0);
}

struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

} // namespace

UnfinishedFile::UnfinishedFile(const std::string& goal) {
    do {
        path_ = goal + std::string(mark) + std::string(letters);
        fd_.reset();
        fd_.reset(::mkostemp(path_.data(), O_CLOEXEC));
    } while (fd_ && !hold(fd_.get()));
}

UnfinishedFile::~UnfinishedFile() {
    if (fd_ && !renamed_) ::unlink(path_.c_str());
}

bool UnfinishedFile::copy_from(int file, std::size_t size) {
    while (size > 0) {
        const ssize_t copied = ::copy_file_range(file, nullptr, fd_.get(), nullptr, size, 0);
        if (copied <= 0) return false;
        size -= static_cast<std::size_t>(copied);
    }
    return true;
}

int UnfinishedFile::fill(std::string_view text, mode_t mode) {
    while (!text.empty()) {
        const ssize_t wrote = ::write(fd_.get(), text.data(), text.size());
        if (wrote < 0 && errno != EINTR) return errno;
        if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (::fchmod(fd_.get(), mode) != 0) return errno;
    date();
    return ::fsync(fd_.get()) != 0 ? errno : 0;
}

int UnfinishedFile::rename_to(const std::string& goal) {
    if (::rename(path_.c_str(), goal.c_str()) != 0) return errno;
    renamed_ = true;
    return 0;
}

/// To this instant, and not the tick of the clock that it lies in: see FileStamp::is_precise.
void UnfinishedFile::date() const {
    std::array<timespec, 2> times{{{0, UTIME_OMIT}, {}}};
    if (::clock_gettime(CLOCK_REALTIME, &times[1]) == 0) ::futimens(fd_.get(), times.data());
}

std::string_view goal_of_unfinished(std::string_view name) {
    if (name.size() <= mark.size() + letters.size()) return {};
    const std::string_view goal = name.substr(0, name.size() - mark.size() - letters.size());
    const std::string_view random = name.substr(name.size() - letters.size());
    return name.substr(goal.size()).starts_with(mark) && std::ranges::all_of(random, is_letter) ? goal : std::string_view();
}

void remove_unfinished(const std::string& directory, std::string_view goal) {
    const std::unique_ptr<DIR, Close> listed(::opendir(directory.c_str()));
    if (!listed) return;
    while (const dirent* const entry = ::readdir(listed.get())) {
        const std::string_view of = goal_of_unfinished(entry->d_name);
        if (!of.empty() && (goal.empty() || of == goal)) remove_if_left(::dirfd(listed.get()), entry->d_name);
    }
}

} // namespace vpn::system
