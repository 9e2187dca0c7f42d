#include "common/system/unix_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

namespace vpn::system {
namespace {

constexpr std::size_t longest_line = std::size_t{64} << 20U;

std::optional<sockaddr_un> socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return std::nullopt;
    std::copy(path.begin(), path.end(), address.sun_path);
    return address;
}

UniqueFd stream_socket(int flags) { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)); }

int connect_to(int fd, const sockaddr_un& address) {
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

/// Removes a socket whose listener has died. Anything else stays, and bind will say so.
void remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
    const UniqueFd probe = stream_socket(SOCK_NONBLOCK);
    if (probe && connect_to(probe.get(), address) == ECONNREFUSED) ::unlink(path.c_str());
}

int bind_private(int fd, const sockaddr_un& address) {
    const mode_t before = ::umask(0177);
    const int error = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
    ::umask(before);
    return error;
}

/// A moment that calls of one question share. Its clock is this process's patience, not the protocol's time.
class Patience {
  public:
    explicit Patience(Duration limit) : end_(std::chrono::steady_clock::now() + limit) {}
    /// Zero, or the errno: ETIMEDOUT when it has run out.
    [[nodiscard]] int wait(int fd, short events) const {
        for (;;) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now()).count();
            if (left <= 0) return ETIMEDOUT;
            pollfd watched{fd, events, 0};
            const int ready = ::poll(&watched, 1, static_cast<int>(std::min<long long>(left, 60'000)));
            if (ready > 0) return 0;
            if (ready < 0 && errno != EINTR) return errno;
        }
    }

  private:
    std::chrono::steady_clock::time_point end_;
};

} // namespace

OsResult<UnixListener> UnixListener::listen(const std::string& path) {
    const std::string what = "cannot listen on " + path;
    const auto address = socket_address(path);
    if (!address) return os_failed(what, ENAMETOOLONG);
    UniqueFd fd = stream_socket(SOCK_NONBLOCK);
    if (!fd) return os_failed(what, errno);
    remove_stale(path, *address);
    if (const int error = bind_private(fd.get(), *address); error != 0) return os_failed(what, error);
    UnixListener listener(std::move(fd), path);
    if (::listen(listener.fd(), SOMAXCONN) != 0) return os_failed(what, errno);
    return listener;
}

UnixListener::UnixListener(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {
    struct stat status {};
    if (::lstat(path_.c_str(), &status) != 0) return;
    device_ = status.st_dev;
    inode_ = status.st_ino;
}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
    if (this != &other) {
        remove();
        fd_ = std::move(other.fd_);
        path_ = std::exchange(other.path_, {});
        device_ = other.device_;
        inode_ = other.inode_;
    }
    return *this;
}

bool UnixListener::is_there() const {
    struct stat status {};
    return !path_.empty() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

void UnixListener::remove() {
    if (is_there()) ::unlink(path_.c_str());
    path_.clear();
}

OsResult<PeerCredentials> peer_credentials(int connected_fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(connected_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return os_failed("cannot tell who asks", errno);
    return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

OsResult<UnixClient> UnixClient::connect(const std::string& path) {
    const std::string what = "cannot reach " + path;
    const auto address = socket_address(path);
    if (!address) return os_failed(what, ENAMETOOLONG);
    UniqueFd fd = stream_socket(SOCK_NONBLOCK);
    if (!fd) return os_failed(what, errno);
    if (const int error = connect_to(fd.get(), *address); error != 0) return os_failed(what, error);
    return UnixClient(std::move(fd));
}

OsResult<void> UnixClient::send_line(std::string_view line, Duration limit) {
    const Patience patience(limit);
    std::string text(line);
    text += '\n';
    for (std::string_view rest = text; !rest.empty();) {
        const ssize_t sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (const int error = patience.wait(fd_.get(), POLLOUT); error != 0) return os_failed("cannot send", error);
        } else if (errno != EINTR) {
            return os_failed("cannot send", errno);
        }
    }
    return {};
}

OsResult<std::string> UnixClient::next_line(Duration limit) {
    const Patience patience(limit);
    const std::string what = "no answer";
    std::size_t searched = 0;
    std::array<char, 16384> chunk{};
    for (;;) {
        if (const std::size_t end = received_.find('\n', searched); end != std::string::npos) {
            std::string line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        searched = received_.size();
        if (searched > longest_line) return os_failed(what, EMSGSIZE);
        const ssize_t got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
        if (got == 0) return os_failed(what, ECONNRESET);
        if (got > 0) {
            received_.append(chunk.data(), static_cast<std::size_t>(got));
        } else if (errno == EAGAIN) {
            if (const int error = patience.wait(fd_.get(), POLLIN); error != 0) return os_failed(what, error);
        } else if (errno != EINTR) {
            return os_failed(what, errno);
        }
    }
}

OsResult<std::string> UnixClient::ask(std::string_view line, Duration limit) {
    if (auto sent = send_line(line, limit); !sent) return tl::unexpected(sent.error());
    return next_line(limit);
}

} // namespace vpn::system
