// Hears when iptables-legacy or ip6tables-legacy has run, of which the kernel tells nobody: they lock a file, and close it at
// their end. Those that use another file, as in a container with a /run of its own, are not heard.
// Refuses to know: whether they changed anything.
#pragma once

#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <string>

namespace vpn::system {

class XtablesWatch {
  public:
    static constexpr const char* usual_directory = "/run";

    /// The file's directory. Errors: ENOENT, EACCES; ENOSPC or EMFILE if this user watches too much already.
    static OsResult<XtablesWatch> open(std::string directory = usual_directory);

    /// Non-blocking; readable when there may be something.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Takes what has happened off the descriptor. True if one of them has run since the last time, or if that can't be told.
    bool read();

  private:
    XtablesWatch(UniqueFd fd, std::string directory) : fd_(std::move(fd)), directory_(std::move(directory)) {}
    /// The file comes with the first of them.
    void watch_file();

    UniqueFd fd_;
    std::string directory_;
    int file_ = -1; ///< its watch's number
};

} // namespace vpn::system
