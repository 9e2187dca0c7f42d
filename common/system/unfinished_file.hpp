// A file that is to take the place of another one, written whole or not at all; and what is left of those whose writer was
// killed: they may hold keys, and nobody would ever look for them.
// Refuses to know: what is in them.
//
// How a live writer's is told from one that was left: its writer holds a lock on it from before the first byte until it has its
// name, and the kernel lets go of that lock when the writer dies, however it dies.
#pragma once

#include "common/system/unique_fd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace vpn::system {

/// `GOAL.unfinished-XXXXXX`, in its goal's directory. It goes with this object unless it was renamed.
class UnfinishedFile {
  public:
    /// Open for us alone. Where there is none then, errno says why.
    explicit UnfinishedFile(const std::string& goal);
    UnfinishedFile(const UnfinishedFile&) = delete;
    UnfinishedFile& operator=(const UnfinishedFile&) = delete;
    ~UnfinishedFile();

    [[nodiscard]] bool made() const { return static_cast<bool>(fd_); }
    /// The first `size` bytes of a file, by the kernel: done, or not.
    [[nodiscard]] bool copy_from(int file, std::size_t size);
    /// Writes the rest of it, and all to the disk. Zero or an errno.
    [[nodiscard]] int fill(std::string_view text, mode_t mode);
    /// Takes its goal's place. Zero or an errno.
    [[nodiscard]] int rename_to(const std::string& goal);
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    void date() const;

    std::string path_;
    UniqueFd fd_;
    bool renamed_ = false;
};

/// What such a file was to take the place of; empty if `name` is no such file's.
std::string_view goal_of_unfinished(std::string_view name);

/// Removes those of ours in the directory that nobody is writing any more: those for the file `goal`, or all. What can't be
/// removed stays.
void remove_unfinished(const std::string& directory, std::string_view goal = {});

} // namespace vpn::system
