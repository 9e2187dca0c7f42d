// One page for whoever of this machine asks, and nothing for who asks wrongly, for too much, or never. RFC 9110, RFC 9112.
#include "common/system/http_server.hpp"
#include "common/system/socket_address.hpp"
#include "common/system/tcp_listener.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/system/scratch.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <future>
#include <list>
#include <string>
#include <thread>

using namespace vpn;
using namespace vpn::system;
using test::Scratch;

namespace {

/// A server with a page of `body`, on a thread of its own.
class Site {
  public:
    Site(HttpServer::Listener listener, std::string body)
        : body_(std::move(body)), server_(std::make_unique<HttpServer>(loop_, std::move(listener),
                                                                       HttpPage{"/page", "text/plain",
                                                                                [this] {
                                                                                    ++shown;
                                                                                    return body_;
                                                                                }})),
          thread_([this] { loop_.run(); }) {}
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;
    ~Site() {
        loop_.stop();
        thread_.join();
    }
    void end_server() {
        std::promise<void> gone;
        boost::asio::post(loop_, [&] {
            server_.reset();
            gone.set_value();
        });
        gone.get_future().wait();
    }

    std::atomic<int> shown = 0;

  private:
    std::string body_;
    boost::asio::io_context loop_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
};

UniqueFd reach(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return UniqueFd();
    return fd;
}

void say(const UniqueFd& fd, std::string_view text) {
    [[maybe_unused]] const auto sent = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL); // they may have hung up
}

/// All that comes until the other side hangs up.
std::string hear(const UniqueFd& fd) {
    std::string heard;
    std::array<char, 65536> piece{};
    for (;;) {
        const auto got = ::recv(fd.get(), piece.data(), piece.size(), 0);
        if (got <= 0) return heard;
        heard.append(piece.data(), static_cast<std::size_t>(got));
    }
}

std::string first_line(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }
std::string body_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : answer.substr(end + 4);
}

/// A site at a socket in the file system.
struct LocalSite {
    explicit LocalSite(std::string body = "all there is\n")
        : path(scratch.file("page.sock")), site(UnixListener::listen(path).value(), std::move(body)) {}
    [[nodiscard]] std::string ask(std::string_view request) const {
        const UniqueFd fd = reach(path);
        say(fd, request);
        return hear(fd);
    }

    Scratch scratch;
    std::string path;
    Site site;
};

const std::string question = "GET /page HTTP/1.1\r\nHost: here\r\n\r\n";

} // namespace

TEST_CASE("who asks for the page gets it, with its type and length, and the connection's end") {
    LocalSite local;
    for (const std::string& asked : {question, std::string("GET /page?since=ever HTTP/1.1\r\nHost: here\r\n\r\n"),
                                     std::string("GET /page HTTP/1.0\r\n\r\n")}) {
        const std::string answer = local.ask(asked);
        CHECK(first_line(answer) == "HTTP/1.1 200 OK");
        CHECK(answer.find("\r\nContent-Type: text/plain\r\n") != std::string::npos);
        CHECK(answer.find("\r\nContent-Length: 13\r\n") != std::string::npos);
        CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
        CHECK(body_of(answer) == "all there is\n");
    }
    CHECK(local.site.shown == 3);
}

TEST_CASE("HEAD gets all but the page") {
    LocalSite local;
    const std::string answer = local.ask("HEAD /page HTTP/1.1\r\nHost: here\r\n\r\n");
    CHECK(first_line(answer) == "HTTP/1.1 200 OK");
    CHECK(answer.find("\r\nContent-Length: 13\r\n") != std::string::npos);
    CHECK(body_of(answer).empty());
}

TEST_CASE("a request may come byte by byte") {
    LocalSite local;
    const UniqueFd fd = reach(local.path);
    for (const char each : question) say(fd, std::string_view(&each, 1));
    CHECK(body_of(hear(fd)) == "all there is\n");
}

TEST_CASE("a page of many megabytes comes whole") {
    const std::string large(std::size_t{8} << 20U, 'x');
    LocalSite local(large);
    CHECK(body_of(local.ask(question)) == large);
}

TEST_CASE("another path, another method and what is no request are told so, and the page is not made for them") {
    LocalSite local;
    CHECK(first_line(local.ask("GET / HTTP/1.1\r\n\r\n")) == "HTTP/1.1 404 Not Found");
    CHECK(first_line(local.ask("GET /pages HTTP/1.1\r\n\r\n")) == "HTTP/1.1 404 Not Found");
    CHECK(first_line(local.ask("GET /page/../page HTTP/1.1\r\n\r\n")) == "HTTP/1.1 404 Not Found");
    const std::string refused = local.ask("DELETE /page HTTP/1.1\r\n\r\n");
    CHECK(first_line(refused) == "HTTP/1.1 405 Method Not Allowed");
    CHECK(refused.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
    for (const std::string_view nonsense :
         {"nonsense\r\n\r\n", "GET /page\r\n\r\n", "\x16\x03\x01\x02\x03 hello\r\n\r\n", "GET /page HTTP/1.1\r\nno colon\r\n\r\n",
          "GET /page HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET /page HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"})
        CHECK(first_line(local.ask(nonsense)) == "HTTP/1.1 400 Bad Request");
    CHECK(local.site.shown == 0);
    CHECK(body_of(local.ask(question)) == "all there is\n");
}

TEST_CASE("a header without an end is not read to its end") {
    LocalSite local;
    CHECK(first_line(local.ask("GET /page HTTP/1.1\r\nX: " + std::string(10'000, 'x'))) ==
          "HTTP/1.1 431 Request Header Fields Too Large");
    CHECK(first_line(local.ask("GET /" + std::string(10'000, 'x'))) == "HTTP/1.1 431 Request Header Fields Too Large");
    CHECK(local.site.shown == 0);
}

TEST_CASE("those who went before they asked, or before they heard, are forgotten") {
    LocalSite local;
    for (int i = 0; i < 100; ++i) {
        const UniqueFd silent = reach(local.path);
        const UniqueFd rude = reach(local.path);
        say(rude, question);
    }
    CHECK(body_of(local.ask(question)) == "all there is\n");
}

TEST_CASE("more than sixteen wait for their turn, and one that leaves makes room") {
    LocalSite local;
    std::list<UniqueFd> silent;
    for (int i = 0; i < 16; ++i) silent.push_back(reach(local.path));
    const UniqueFd next = reach(local.path);
    say(next, question);
    pollfd waits{next.get(), POLLIN, 0};
    CHECK(::poll(&waits, 1, 200) == 0);
    silent.pop_front();
    CHECK(body_of(hear(next)) == "all there is\n");
}

TEST_CASE("the socket is its owner's alone, and goes with the server, and every connection with it") {
    LocalSite local;
    struct stat status {};
    REQUIRE(::stat(local.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
    const UniqueFd open = reach(local.path);
    local.site.end_server();
    CHECK(hear(open).empty());
    CHECK(::stat(local.path.c_str(), &status) != 0);
}

TEST_CASE("over TCP it is the same, for both families, and a port that is taken is said to be") {
    const test::NetNamespace own;
    const test::Inside inside(own);
    for (const char* text : {"127.0.0.1:9586", "[::1]:9586"}) {
        const Endpoint endpoint = *Endpoint::parse(text);
        auto listener = listen_tcp(endpoint);
        REQUIRE(listener);
        const auto again = listen_tcp(endpoint);
        REQUIRE_FALSE(again);
        CHECK(is_errno(again.error(), EADDRINUSE));
        CHECK(again.error().message.starts_with("cannot listen on " + std::string(text) + ": "));
        const Site site(std::move(*listener), "all there is\n");
        const UniqueFd fd(::socket(address_family(endpoint.address.family()), SOCK_STREAM | SOCK_CLOEXEC, 0));
        SocketAddress address{};
        const socklen_t length = write_socket_address(endpoint, address);
        REQUIRE(::connect(fd.get(), &address.any, length) == 0);
        say(fd, question);
        CHECK(body_of(hear(fd)) == "all there is\n");
    }
    CHECK(is_errno(listen_tcp(*Endpoint::parse("192.0.2.1:9586")).error(), EADDRNOTAVAIL));
}
