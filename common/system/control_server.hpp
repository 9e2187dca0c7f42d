// The daemon's end of the control socket: a line in, a line out, on the caller's event loop.
// Refuses to know: what the lines say. Who may speak is the socket's mode (0600) and, once more, the peer's user: ours or root.
#pragma once

#include "common/system/unix_socket.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace vpn::system {

class ControlServer {
  public:
    /// Answers a request (at most 64 KiB, without its newline) with one line. Called on the loop's thread.
    using Handler = std::function<std::string(std::string_view request)>;

    ControlServer(boost::asio::io_context& loop, UnixListener listener, Handler handler);
    /// Ends every connection and takes the socket's file away.
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

  private:
    class Acceptor;
    std::unique_ptr<Acceptor> acceptor_;
};

} // namespace vpn::system
