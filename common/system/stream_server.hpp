// Many conversations at once on a socket in the file system, on the caller's event loop. Each is asked and answers in turn.
// Refuses to know: what is said. Who may speak is the socket's mode (0600) and, once more, the peer's user: ours or root.
#pragma once

#include "common/system/unix_socket.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace vpn::system {

/// One connection's side of the talk. It goes with its connection.
class Conversation {
  public:
    /// What is shown to handle_received at once. Who leaves so much untouched waits for more than there can be: the end.
    static constexpr std::size_t longest_piece = (std::size_t{64} << 10U) + 1;

    Conversation() = default;
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;
    virtual ~Conversation() = default;

    /// Takes bytes off the front of `received`, and stops once there is something to answer; how many it took. What it left comes
    /// again, with more behind it.
    virtual std::size_t handle_received(std::string_view received, std::string& answer) = 0;
};

class StreamServer {
  public:
    using Begin = std::function<std::unique_ptr<Conversation>()>;

    /// Calls `begin` for each connection, and its conversation, on the loop's thread.
    StreamServer(boost::asio::io_context& loop, UnixListener listener, Begin begin);
    /// Takes the socket's file away and ends every connection.
    ~StreamServer();
    StreamServer(const StreamServer&) = delete;
    StreamServer& operator=(const StreamServer&) = delete;

    /// Nobody has taken the socket's file away.
    [[nodiscard]] bool is_there() const;

  private:
    class Door;
    std::unique_ptr<Door> door_;
};

} // namespace vpn::system
