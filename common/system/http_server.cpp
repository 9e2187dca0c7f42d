#include "common/system/http_server.hpp"

#include "common/system/acceptor.hpp"
#include "common/system/memory_reserve.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <sys/socket.h>

#include <chrono>
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

class HttpServer::Door {
  public:
    Door(asio::io_context& loop, Listener listener, HttpPage page)
        : page_(std::move(page)), fd_(std::visit([this](auto& one) { return this->fd_of(one); }, listener)),
          protocol_(protocol_of(fd_)),
          acceptor_(loop, protocol_, std::move(fd_),
                    {most_connections, [](int) { return memory_left() != MemoryLeft::none; },
                     [this](auto socket, auto ended) {
                         return std::make_shared<Connection>(std::move(socket), page_, std::move(ended));
                     }}) {}
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    ~Door() {
        if (file_) file_->remove(); // while it still listens: who comes next must not take ours for a dead one's
    }

  private:
    static Protocol protocol_of(const UniqueFd& fd) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
        return {address.ss_family, 0};
    }
    static UniqueFd fd_of(UniqueFd& socket) { return std::move(socket); }
    UniqueFd fd_of(UnixListener& listener) {
        UniqueFd fd = listener.take_fd();
        file_ = std::move(listener);
        return fd;
    }

    HttpPage page_;
    std::optional<UnixListener> file_;
    UniqueFd fd_; ///< until the acceptor has it
    Protocol protocol_;
    Acceptor<Protocol, Connection> acceptor_;
};

HttpServer::HttpServer(asio::io_context& loop, Listener listener, HttpPage page)
    : door_(std::make_unique<Door>(loop, std::move(listener), std::move(page))) {}

HttpServer::~HttpServer() = default;

} // namespace vpn::system
