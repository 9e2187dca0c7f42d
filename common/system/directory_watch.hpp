// Hears when names come to a directory, or leave it.
// Refuses to know: which. Whoever cares for a file looks again.
#pragma once

#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <string>

namespace vpn::system {

class DirectoryWatch {
  public:
    /// Errors: ENOENT, EACCES; ENOSPC or EMFILE if this user watches too much already.
    static OsResult<DirectoryWatch> open(const std::string& directory);

    /// Non-blocking; readable when something has changed.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Takes what has changed up to now off the descriptor.
    void acknowledge() const;

  private:
    explicit DirectoryWatch(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

} // namespace vpn::system
