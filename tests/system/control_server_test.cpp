// A daemon's end of the control socket, with real commands at the other. EXPERIENCE: sockets; THREATS: other users.
#include "common/system/control_server.hpp"
#include "tests/system/scratch.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <list>
#include <string>
#include <thread>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;
using test::Scratch;

namespace {

constexpr auto patience = 10s;

/// A daemon that says every line backwards, on a thread of its own.
class Daemon {
  public:
    explicit Daemon(const std::string& path)
        : server_(std::make_unique<ControlServer>(loop_, UnixListener::listen(path).value(), backwards)),
          thread_([this] { loop_.run(); }) {}
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon() {
        loop_.stop();
        thread_.join();
    }
    /// The server goes, its loop goes on.
    void end_server() {
        std::promise<void> gone;
        boost::asio::post(loop_, [&] {
            server_.reset();
            gone.set_value();
        });
        gone.get_future().wait();
    }

  private:
    static std::string backwards(std::string_view line) { return {line.rbegin(), line.rend()}; }

    boost::asio::io_context loop_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
    std::unique_ptr<ControlServer> server_;
    std::thread thread_;
};

bool is_closed(UnixClient& client) {
    const auto line = client.next_line(patience);
    return !line && is_errno(line.error(), ECONNRESET);
}

} // namespace

TEST_CASE("a line is answered by a line, one after another on one connection") {
    const Scratch scratch;
    const Daemon daemon(scratch.file("s.sock"));
    auto client = UnixClient::connect(scratch.file("s.sock")).value();
    for (const std::string line : {"abc", "", "{\"a\": 1}", "last"})
        CHECK(client.ask(line, patience).value() == std::string(line.rbegin(), line.rend()));
}

TEST_CASE("lines that come in one piece, or byte by byte, are the same lines") {
    const Scratch scratch;
    const Daemon daemon(scratch.file("s.sock"));
    auto client = UnixClient::connect(scratch.file("s.sock")).value();
    REQUIRE(client.send_line("one\ntwo\nthree", patience));
    for (const char* line : {"eno", "owt", "eerht"}) CHECK(client.next_line(patience).value() == line);
    for (const char byte : std::string("four\n")) REQUIRE(::send(client.fd(), &byte, 1, MSG_NOSIGNAL) == 1);
    CHECK(client.next_line(patience).value() == "ruof");
}

TEST_CASE("a request of 64 KiB is answered, a longer one ends its connection and no other") {
    const Scratch scratch;
    const Daemon daemon(scratch.file("s.sock"));
    auto honest = UnixClient::connect(scratch.file("s.sock")).value();
    auto greedy = UnixClient::connect(scratch.file("s.sock")).value();
    const std::string longest(65536, 'x');
    CHECK(greedy.ask(longest, patience).value() == longest);
    static_cast<void>(greedy.send_line(longest + longest, patience)); // may be cut off on the way
    CHECK_FALSE(greedy.next_line(patience));
    CHECK(honest.ask("abc", patience).value() == "cba");
}

TEST_CASE("whoever says nothing keeps nobody waiting, and hundreds come one after the other") {
    const Scratch scratch;
    const Daemon daemon(scratch.file("s.sock"));
    std::list<UnixClient> silent;
    for (int i = 0; i < 50; ++i) silent.push_back(UnixClient::connect(scratch.file("s.sock")).value());
    for (int i = 0; i < 300; ++i) {
        auto client = UnixClient::connect(scratch.file("s.sock")).value();
        CHECK(client.ask("abc", patience).value() == "cba");
    }
}

TEST_CASE("more at once than are served wait until others have gone") {
    const Scratch scratch;
    const Daemon daemon(scratch.file("s.sock"));
    std::list<UnixClient> many;
    for (int i = 0; i < 100; ++i) {
        many.push_back(UnixClient::connect(scratch.file("s.sock")).value());
        REQUIRE(many.back().send_line("abc", patience));
    }
    while (!many.empty()) {
        CHECK(many.front().next_line(patience).value() == "cba");
        many.pop_front();
    }
}

TEST_CASE("a command that goes away in the middle is no matter") {
    const Scratch scratch;
    const Daemon daemon(scratch.file("s.sock"));
    for (int i = 0; i < 20; ++i) {
        auto gone = UnixClient::connect(scratch.file("s.sock")).value();
        REQUIRE(gone.send_line(std::string(60000, 'x'), patience)); // nobody takes the answer
        REQUIRE(::send(gone.fd(), "half", 4, MSG_NOSIGNAL) == 4);
    }
    auto client = UnixClient::connect(scratch.file("s.sock")).value();
    CHECK(client.ask("abc", patience).value() == "cba");
}

TEST_CASE("when the server goes, so do its connections and its file, and the loop goes on") {
    const Scratch scratch;
    Daemon daemon(scratch.file("s.sock"));
    auto client = UnixClient::connect(scratch.file("s.sock")).value();
    REQUIRE(client.ask("abc", patience).value() == "cba");
    daemon.end_server();
    CHECK(is_closed(client));
    CHECK_FALSE(std::filesystem::exists(scratch.file("s.sock")));
    CHECK_FALSE(UnixClient::connect(scratch.file("s.sock")));
}
