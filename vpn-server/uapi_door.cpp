#include "vpn-server/uapi_door.hpp"

#include "common/system/files.hpp"

namespace vpn::server {
namespace {

constexpr unsigned socket_directory_mode = 0755;

} // namespace

Result<system::UnixListener> UapiDoor::listen(const std::string& interface) {
    if (auto there = system::ensure_directory(std::string(directory), socket_directory_mode); !there)
        return failed(there.error().message);
    auto listener = system::UnixListener::listen(std::string(directory) + '/' + interface + ".sock");
    if (!listener) return failed(listener.error().message);
    return std::move(*listener);
}

UapiDoor::UapiDoor(boost::asio::io_context& loop, system::UnixListener listener, tun::UapiConversation::Handlers handlers,
                   const system::Logger& log)
    : server_(loop, std::move(listener),
              [handlers = std::move(handlers), log] { return std::make_unique<tun::UapiConversation>(handlers, log); }) {}

} // namespace vpn::server
