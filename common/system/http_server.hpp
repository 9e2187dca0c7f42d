// One page over HTTP/1.1, for programs of this machine that ask for it now and then, on the caller's event loop. A request is a
// few lines without a body, a connection is one request, and both must be over soon: nobody can hold more than his share.
// Refuses to know: what the page says, and who may read it.
#pragma once

#include "common/system/unique_fd.hpp"
#include "common/system/unix_socket.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace vpn::system {

/// What GET of `path` is answered with.
struct HttpPage {
    std::string path;
    std::string content_type;
    /// Called for each request, on the loop's thread.
    std::function<std::string()> body;
};

class HttpServer {
  public:
    static constexpr std::size_t most_connections = 16;
    static constexpr std::size_t longest_header = std::size_t{8} << 10U;

    /// A listening TCP socket, non-blocking; or one in the file system, whose file goes with the server.
    using Listener = std::variant<UniqueFd, UnixListener>;

    HttpServer(boost::asio::io_context& loop, Listener listener, HttpPage page);
    /// Ends every connection.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

  private:
    class Door;
    std::unique_ptr<Door> door_;
};

} // namespace vpn::system
