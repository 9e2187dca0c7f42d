#include "common/system/control_server.hpp"

#include "common/base/secret.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <list>
#include <utility>

namespace vpn::system {
namespace {

namespace asio = boost::asio;
using Stream = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr std::size_t longest_request = std::size_t{64} << 10U;
constexpr std::size_t most_connections = 64;

/// How long to wait when the process is out of descriptors.
constexpr std::chrono::milliseconds breath{100};

void wipe_text(std::string& text) {
    wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
    text.clear();
}

bool may_speak(int fd) {
    const auto who = peer_credentials(fd);
    return who && (who->user == 0 || who->user == ::geteuid());
}

/// One command that talks to us. What is under way keeps it alive; `end` makes sure that it does nothing more.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Ended = std::function<void(Connection&)>;

    Connection(Stream::socket socket, const ControlServer::Handler& handler, Ended ended)
        : socket_(std::move(socket)), handler_(handler), ended_(std::move(ended)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        wipe_text(received_);
        wipe_text(answer_);
    }

    void next_request() {
        asio::async_read_until(socket_, asio::dynamic_buffer(received_, longest_request + 1), '\n',
                               [self = shared_from_this()](const ErrorCode& error, std::size_t length) {
                                   if (self->over_) return;
                                   if (error) return self->ended_(*self);
                                   self->answer(length);
                               });
    }

    void end() {
        over_ = true;
        ErrorCode ignored;
        socket_.close(ignored);
    }

  private:
    void answer(std::size_t length) {
        answer_ = handler_(std::string_view(received_).substr(0, length - 1)) + '\n';
        wipe(std::as_writable_bytes(std::span(received_.data(), length)));
        received_.erase(0, length);
        if (over_) return; // the handler took the server away
        asio::async_write(socket_, asio::buffer(answer_), [self = shared_from_this()](const ErrorCode& error, std::size_t) {
            if (self->over_) return;
            if (error) return self->ended_(*self);
            wipe_text(self->answer_);
            self->next_request();
        });
    }

    Stream::socket socket_;
    const ControlServer::Handler& handler_;
    Ended ended_;
    std::string received_;
    std::string answer_;
    bool over_ = false;
};

} // namespace

class ControlServer::Acceptor {
  public:
    Acceptor(asio::io_context& loop, UnixListener listener, Handler handler)
        : listener_(std::move(listener)), handler_(std::move(handler)), state_(std::make_shared<State>(loop)) {
        state_->acceptor.assign(Stream(), listener_.take_fd().release());
        next_connection();
    }
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    ~Acceptor() {
        state_->over = true;
        ErrorCode ignored;
        state_->acceptor.close(ignored);
        for (const auto& connection : connections_) connection->end();
    }

  private:
    /// What a completion may still look at when the acceptor has gone.
    struct State {
        explicit State(asio::io_context& loop) : acceptor(loop), pause(loop) {}
        Stream::acceptor acceptor;
        asio::steady_timer pause;
        bool over = false;
    };

    void next_connection() {
        accepting_ = true;
        state_->acceptor.async_accept([this, state = state_](const ErrorCode& error, Stream::socket socket) {
            if (state->over) return;
            accepting_ = false;
            if (error) return take_a_breath();
            take(std::move(socket));
            if (connections_.size() < most_connections) next_connection();
        });
    }

    void take_a_breath() {
        state_->pause.expires_after(breath);
        state_->pause.async_wait([this, state = state_](const ErrorCode&) {
            if (!state->over) next_connection();
        });
    }

    void take(Stream::socket socket) {
        if (!may_speak(socket.native_handle())) return;
        const auto ended = [this](Connection& connection) { forget(connection); };
        connections_.push_back(std::make_shared<Connection>(std::move(socket), handler_, ended));
        connections_.back()->next_request();
    }

    void forget(Connection& connection) {
        const bool was_full = connections_.size() >= most_connections;
        connection.end();
        connections_.remove_if([&](const auto& one) { return one.get() == &connection; });
        if (was_full && !accepting_) next_connection();
    }

    UnixListener listener_;
    Handler handler_;
    std::shared_ptr<State> state_;
    std::list<std::shared_ptr<Connection>> connections_;
    bool accepting_ = false;
};

ControlServer::ControlServer(asio::io_context& loop, UnixListener listener, Handler handler)
    : acceptor_(std::make_unique<Acceptor>(loop, std::move(listener), std::move(handler))) {}

ControlServer::~ControlServer() = default;

} // namespace vpn::system
