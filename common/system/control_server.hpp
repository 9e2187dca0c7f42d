// The daemon's end of the control socket: a line in, a line out, on the caller's event loop.
// Refuses to know: what the lines say, and, as StreamServer's, who may speak.
#pragma once

#include "common/system/stream_server.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace vpn::system {

class ControlServer {
  public:
    /// Answers a request (at most 64 KiB, without its newline) with one line. Called on the loop's thread.
    using Handler = std::function<std::string(std::string_view request)>;

    /// Ends as StreamServer does.
    ControlServer(boost::asio::io_context& loop, UnixListener listener, Handler handler);

  private:
    StreamServer server_;
};

} // namespace vpn::system
