#include "common/system/stream_server.hpp"

#include "common/base/secret.hpp"
#include "common/system/acceptor.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace vpn::system {
namespace {

namespace asio = boost::asio;
using Stream = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr std::size_t most_connections = 64;

void wipe_text(std::string& text) { wipe(std::as_writable_bytes(std::span(text.data(), text.size()))); }

bool may_speak(int fd) {
    const auto who = peer_credentials(fd);
    return who && (who->user == 0 || who->user == ::geteuid());
}

/// One command that talks to us. What is under way keeps it alive; `end` makes sure that it does nothing more.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Ended = std::function<void(Connection&)>;

    Connection(Stream::socket socket, std::unique_ptr<Conversation> conversation, Ended ended)
        : socket_(std::move(socket)), conversation_(std::move(conversation)), ended_(std::move(ended)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        wipe_text(buffer_);
        wipe_text(answer_);
    }

    void receive() {
        // What has been taken makes room at the end.
        std::copy(buffer_.begin() + as_offset(begin_), buffer_.begin() + as_offset(end_), buffer_.begin());
        const std::size_t vacated = end_;
        end_ -= std::exchange(begin_, 0);
        wipe(std::as_writable_bytes(std::span(buffer_).subspan(end_, vacated - end_))); // there may have been keys in it
        if (end_ == buffer_.size()) return ended_(*this);
        socket_.async_read_some(asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
                                [self = shared_from_this()](const ErrorCode& error, std::size_t length) {
                                    if (self->over_) return;
                                    if (error) return self->ended_(*self);
                                    self->end_ += length;
                                    self->attempt([&] { self->go_on(); });
                                });
    }

    void end() {
        over_ = true;
        ErrorCode ignored;
        socket_.close(ignored);
    }

  private:
    /// A conversation that memory does not suffice for is over; others go on.
    template <class Run> void attempt(Run run) {
        try {
            run();
        } catch (const std::bad_alloc&) {
            if (!over_) ended_(*this);
        }
    }
    static std::ptrdiff_t as_offset(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }

    void go_on() {
        begin_ += conversation_->handle_received(std::string_view(buffer_).substr(begin_, end_ - begin_), answer_);
        if (over_) return; // the handler took the server away
        if (answer_.empty()) return receive();
        asio::async_write(socket_, asio::buffer(answer_), [self = shared_from_this()](const ErrorCode& error, std::size_t) {
            if (self->over_) return;
            if (error) return self->ended_(*self);
            wipe_text(self->answer_);
            self->answer_.clear();
            self->attempt([&] { self->go_on(); });
        });
    }

    Stream::socket socket_;
    std::unique_ptr<Conversation> conversation_;
    Ended ended_;
    std::string buffer_ = std::string(Conversation::longest_piece, '\0');
    std::size_t begin_ = 0; ///< of what was received and not yet taken
    std::size_t end_ = 0;
    std::string answer_;
    bool over_ = false;
};

} // namespace

class StreamServer::Door {
  public:
    Door(asio::io_context& loop, UnixListener listener, Begin begin)
        : listener_(std::move(listener)), begin_(std::move(begin)),
          acceptor_(loop, Stream(), listener_.take_fd(), {most_connections, may_speak, [this](Stream::socket socket, auto ended) {
                                                              return std::make_shared<Connection>(std::move(socket), begin_(),
                                                                                                  std::move(ended));
                                                          }}) {}
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    ~Door() { listener_.remove(); } // while it still listens: who comes next must not take ours for a dead one's
    [[nodiscard]] bool is_there() const { return listener_.is_there(); }

  private:
    UnixListener listener_;
    Begin begin_;
    Acceptor<Stream, Connection> acceptor_;
};

StreamServer::StreamServer(asio::io_context& loop, UnixListener listener, Begin begin)
    : door_(std::make_unique<Door>(loop, std::move(listener), std::move(begin))) {}

StreamServer::~StreamServer() = default;

bool StreamServer::is_there() const { return door_->is_there(); }

} // namespace vpn::system
