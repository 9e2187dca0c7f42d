#include "common/system/service_manager.hpp"

#include "common/system/unique_fd.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <span>

namespace vpn::system {

void tell_service_manager(std::string_view words) {
    const char* const named = std::getenv("NOTIFY_SOCKET");
    if (named == nullptr) return;
    const std::string_view path = named;
    sockaddr_un address{};
    const std::span<char> room(address.sun_path);
    if (path.size() < 2 || path.size() >= room.size() || (path[0] != '/' && path[0] != '@')) return;
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, room.begin());
    if (path[0] == '@') room[0] = '\0'; // an abstract name
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return;
    ::sendto(fd.get(), words.data(), words.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
}

} // namespace vpn::system
