// The door between a daemon and its commands on the same machine: a socket in the file system that only its owner opens.
// Refuses to know: what is said through it, but that it is said in lines.
#pragma once

#include "common/base/time.hpp"
#include "common/system/os_error.hpp"
#include "common/system/unique_fd.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

namespace vpn::system {

/// A listening socket, mode 0600, whose file goes with it, unless somebody has put another in its place. Move-only.
class UnixListener {
  public:
    /// Replaces a socket that nobody listens on any more. At start-up, before other threads: sets the umask for a moment.
    /// Errors: EADDRINUSE if somebody answers there, or if what is there is no socket; ENAMETOOLONG beyond 107 bytes.
    static OsResult<UnixListener> listen(const std::string& path);
    UnixListener(UnixListener&& other) noexcept
        : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
    UnixListener& operator=(UnixListener&& other) noexcept;
    ~UnixListener() { remove(); }

    /// Non-blocking.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// For an event loop that closes what it serves. The file still goes with this object.
    [[nodiscard]] UniqueFd take_fd() { return std::move(fd_); }
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Nobody has taken its file away.
    [[nodiscard]] bool is_there() const;
    /// Takes its file away now: nobody comes any more.
    void remove();

  private:
    UnixListener(UniqueFd fd, std::string path);

    UniqueFd fd_;
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

/// Who is at the other end, as the kernel knows.
struct PeerCredentials {
    pid_t process;
    uid_t user;
    gid_t group;
};
OsResult<PeerCredentials> peer_credentials(int connected_fd);

/// Asks and is answered, a line each. Blocking. Not thread-safe.
class UnixClient {
  public:
    /// Errors: ENOENT or ECONNREFUSED if nobody is there; EACCES.
    static OsResult<UnixClient> connect(const std::string& path);

    /// Sends `line` (without its end). Errors: ETIMEDOUT; EPIPE if the other side has gone.
    OsResult<void> send_line(std::string_view line, Duration limit);
    /// The next line, without its end. Errors: ETIMEDOUT; ECONNRESET at the end of the stream; EMSGSIZE beyond 64 MiB.
    OsResult<std::string> next_line(Duration limit);
    /// send_line and next_line, each within `limit`.
    OsResult<std::string> ask(std::string_view line, Duration limit);
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    explicit UnixClient(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
    std::string received_;
};

} // namespace vpn::system
