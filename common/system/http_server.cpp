#include "common/system/http_server.hpp"

#include "common/system/handler_memory.hpp"
#include "common/system/memory_reserve.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <list>
#include <new>
#include <optional>
#include <utility>

namespace vpn::system {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::generic::stream_protocol;
using ErrorCode = boost::system::error_code;

/// For a request to come, and for its answer to leave.
constexpr std::chrono::seconds patience{10};
/// How long to wait when the process is out of descriptors.
constexpr std::chrono::milliseconds breath{100};

using Request = http::request_parser<http::empty_body>;
using Answer = http::response<http::string_body>;

Answer plain(http::status status, std::string text) {
    Answer answer(status, 11);
    answer.set(http::field::content_type, "text/plain; charset=utf-8");
    answer.body() = std::move(text);
    return answer;
}

Answer answer_to(const http::request<http::empty_body>& request, const HttpPage& page) {
    const auto target = request.target();
    if (target.substr(0, target.find('?')) != page.path)
        return plain(http::status::not_found, "what there is to see is " + page.path + '\n');
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
        Answer answer = plain(http::status::method_not_allowed, "GET is all there is\n");
        answer.set(http::field::allow, "GET, HEAD");
        return answer;
    }
    Answer answer(http::status::ok, 11);
    answer.set(http::field::content_type, page.content_type);
    answer.body() = page.body();
    return answer;
}

/// One request and its answer. What is under way keeps it alive; `end` makes sure that it does nothing more.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Ended = std::function<void(Connection&)>;

    Connection(asio::basic_stream_socket<Protocol> socket, const HttpPage& page, Ended ended)
        : stream_(std::move(socket)), page_(page), ended_(std::move(ended)) {
        request_.header_limit(HttpServer::longest_header);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void receive() {
        stream_.expires_after(patience);
        http::async_read(stream_, buffer_, request_, [self = shared_from_this()](const ErrorCode& error, std::size_t) {
            if (self->over_) return;
            if (!error) return self->answer_request();
            if (error == http::error::header_limit || error == http::error::buffer_overflow)
                return self->answer(plain(http::status::request_header_fields_too_large, "that is too long for a question\n"));
            if (is_of_http(error)) return self->answer(plain(http::status::bad_request, "that is no request\n"));
            self->ended_(*self); // it went, or took too long
        });
    }

    void end() {
        over_ = true;
        ErrorCode ignored;
        stream_.socket().close(ignored);
    }

  private:
    static bool is_of_http(const ErrorCode& error) {
        const ErrorCode of_http = http::error::bad_method;
        return error.category() == of_http.category() && error != http::error::end_of_stream &&
               error != http::error::partial_message;
    }

    /// One that memory does not suffice for hears so, or nothing; others are answered.
    void answer_request() {
        try {
            return answer(answer_to(request_.get(), page_));
        } catch (const std::bad_alloc&) {
        }
        try {
            answer(plain(http::status::service_unavailable, "out of memory\n"));
        } catch (const std::bad_alloc&) {
            if (!over_) ended_(*this);
        }
    }

    void answer(Answer reply) {
        answer_ = std::move(reply);
        answer_.keep_alive(false);
        answer_.set(http::field::cache_control, "no-store");
        answer_.prepare_payload();
        if (request_.is_header_done() && request_.get().method() == http::verb::head) answer_.body().clear();
        stream_.expires_after(patience);
        http::async_write(stream_, answer_, [self = shared_from_this()](const ErrorCode&, std::size_t) {
            if (!self->over_) self->ended_(*self);
        });
    }

    beast::basic_stream<Protocol> stream_;
    beast::flat_buffer buffer_{HttpServer::longest_header + 1};
    const HttpPage& page_;
    Ended ended_;
    Request request_;
    Answer answer_;
    bool over_ = false;
};

} // namespace

class HttpServer::Acceptor {
  public:
    Acceptor(asio::io_context& loop, Listener listener, HttpPage page)
        : page_(std::move(page)), state_(std::make_shared<State>(loop)) {
        UniqueFd fd = std::visit([this](auto& one) { return this->fd_of(one); }, listener);
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
        state_->acceptor.assign(Protocol(address.ss_family, 0), fd.release());
        next_connection();
    }
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    ~Acceptor() {
        state_->over = true;
        if (file_) file_->remove(); // while it still listens: who comes next must not take ours for a dead one's
        ErrorCode ignored;
        state_->acceptor.close(ignored);
        for (const auto& connection : connections_) connection->end();
    }

  private:
    /// What a completion may still look at when the acceptor has gone.
    struct State {
        explicit State(asio::io_context& loop) : acceptor(loop), pause(loop) {}
        asio::basic_socket_acceptor<Protocol> acceptor;
        asio::steady_timer pause;
        std::shared_ptr<HandlerMemory> accepting = std::make_shared<HandlerMemory>();
        std::shared_ptr<HandlerMemory> pausing = std::make_shared<HandlerMemory>();
        bool over = false;
    };

    static UniqueFd fd_of(UniqueFd& socket) { return std::move(socket); }
    UniqueFd fd_of(UnixListener& listener) {
        UniqueFd fd = listener.take_fd();
        file_ = std::move(listener);
        return fd;
    }

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

    /// Lets it go if there is no memory for it, or it may not come.
    void take(UniqueFd fd) {
        // The next one first: whatever memory there is for this one.
        if (connections_.size() + 1 < most_connections) next_connection();
        if (fd && memory_left() != MemoryLeft::none) serve(std::move(fd));
        wait_if_idle();
    }

    void serve(UniqueFd fd) {
        const auto ended = [this](Connection& connection) { forget(connection); };
        try {
            asio::basic_stream_socket<Protocol> socket(state_->acceptor.get_executor());
            socket.assign(state_->acceptor.local_endpoint().protocol(), fd.get());
            static_cast<void>(fd.release()); // it is the socket's
            auto connection = std::make_shared<Connection>(std::move(socket), page_, ended);
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

    void take_a_breath() {
        state_->pause.expires_after(breath);
        state_->pause.async_wait(kept_in(state_->pausing, [this, state = state_](const ErrorCode&) {
            if (!state->over) next_connection();
        }));
    }

    void forget(Connection& connection) {
        connection.end();
        connections_.remove_if([&](const auto& one) { return one.get() == &connection; });
        wait_if_idle();
    }

    HttpPage page_;
    std::optional<UnixListener> file_;
    std::shared_ptr<State> state_;
    std::list<std::shared_ptr<Connection>> connections_;
    bool accepting_ = false;
};

HttpServer::HttpServer(asio::io_context& loop, Listener listener, HttpPage page)
    : acceptor_(std::make_unique<Acceptor>(loop, std::move(listener), std::move(page))) {}

HttpServer::~HttpServer() = default;

} // namespace vpn::system
