#include "common/system/stream_server.hpp"

#include "common/base/secret.hpp"
#include "common/system/handler_memory.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <list>
#include <new>
#include <utility>

namespace vpn::system {
namespace {

namespace asio = boost::asio;
using Stream = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr std::size_t most_connections = 64;

/// How long to wait when the process is out of descriptors.
constexpr std::chrono::milliseconds breath{100};

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

class StreamServer::Acceptor {
  public:
    Acceptor(asio::io_context& loop, UnixListener listener, Begin begin)
        : listener_(std::move(listener)), begin_(std::move(begin)), state_(std::make_shared<State>(loop)) {
        state_->acceptor.assign(Stream(), listener_.take_fd().release());
        next_connection();
    }
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    ~Acceptor() {
        state_->over = true;
        listener_.remove(); // while it still listens: who comes next must not take ours for a dead one's
        ErrorCode ignored;
        state_->acceptor.close(ignored);
        for (const auto& connection : connections_) connection->end();
    }
    [[nodiscard]] bool is_there() const { return listener_.is_there(); }

  private:
    /// What a completion may still look at when the acceptor has gone.
    struct State {
        explicit State(asio::io_context& loop) : acceptor(loop), pause(loop) {}
        Stream::acceptor acceptor;
        asio::steady_timer pause;
        std::shared_ptr<HandlerMemory> accepting = std::make_shared<HandlerMemory>();
        std::shared_ptr<HandlerMemory> pausing = std::make_shared<HandlerMemory>();
        bool over = false;
    };

    /// Waits, then accepts by itself: Asio's own way forgets to tell when memory does not suffice for the new socket.
    void next_connection() {
        accepting_ = true;
        state_->acceptor.async_wait(asio::socket_base::wait_read,
                                    kept_in(state_->accepting, [this, state = state_](const ErrorCode& error) {
                                        if (state->over) return;
                                        UniqueFd fd;
                                        if (!error) fd = accept(state->acceptor.native_handle());
                                        if (error || (!fd && errno != EAGAIN)) return take_a_breath();
                                        accepting_ = false;
                                        take(std::move(fd));
                                    }));
    }
    static UniqueFd accept(int fd) { return UniqueFd(::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)); }

    void take_a_breath() {
        state_->pause.expires_after(breath);
        state_->pause.async_wait(kept_in(state_->pausing, [this, state = state_](const ErrorCode&) {
            if (!state->over) next_connection();
        }));
    }

    /// Lets it go if there is no memory for it, or it may not come.
    void take(UniqueFd fd) {
        // The next one first: whatever memory there is for this one.
        if (connections_.size() + 1 < most_connections) next_connection();
        if (fd && may_speak(fd.get())) serve(std::move(fd));
        wait_if_idle();
    }

    void serve(UniqueFd fd) {
        const auto ended = [this](Connection& connection) { forget(connection); };
        try {
            Stream::socket socket(state_->acceptor.get_executor());
            socket.assign(Stream(), fd.get());
            static_cast<void>(fd.release()); // it is the socket's
            auto connection = std::make_shared<Connection>(std::move(socket), begin_(), ended);
            connections_.push_back(connection);
            connection->receive();
        } catch (const std::bad_alloc&) {
            connections_.remove_if([](const auto& one) { return one.use_count() == 1; }); // nothing is under way that holds it
        } catch (const boost::system::system_error&) {                                    // the kernel's memory
        }
    }

    void wait_if_idle() {
        if (!accepting_ && connections_.size() < most_connections) next_connection();
    }

    void forget(Connection& connection) {
        const bool was_full = connections_.size() >= most_connections;
        connection.end();
        connections_.remove_if([&](const auto& one) { return one.get() == &connection; });
        if (was_full && !accepting_) next_connection();
    }

    UnixListener listener_;
    Begin begin_;
    std::shared_ptr<State> state_;
    std::list<std::shared_ptr<Connection>> connections_;
    bool accepting_ = false;
};

StreamServer::StreamServer(asio::io_context& loop, UnixListener listener, Begin begin)
    : acceptor_(std::make_unique<Acceptor>(loop, std::move(listener), std::move(begin))) {}

StreamServer::~StreamServer() = default;

bool StreamServer::is_there() const { return acceptor_->is_there(); }

} // namespace vpn::system
