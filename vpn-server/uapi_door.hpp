// Where `wg` and its like find the server's interface (PROTOCOL 4). The server goes on when somebody takes the socket away.
// Refuses to know: what a get and a set do.
#pragma once

#include "tun/uapi_conversation.hpp"

#include <boost/asio/io_context.hpp>

#include <string>
#include <string_view>

namespace vpn::server {

class UapiDoor {
  public:
    static constexpr std::string_view directory = "/var/run/wireguard";

    /// While the process still may. Errors: the directory or the socket can't be made.
    static Result<system::UnixListener> listen(const std::string& interface);

    UapiDoor(boost::asio::io_context& loop, system::UnixListener listener, tun::UapiConversation::Handlers handlers,
             const system::Logger& log);

  private:
    system::StreamServer server_;
};

} // namespace vpn::server
