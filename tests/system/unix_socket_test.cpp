// EXPERIENCE "sockets and pids in /run/vpn, mode 0600"; THREATS "other users".
#include "common/system/unix_socket.hpp"
#include "tests/system/other_user.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <fstream>
#include <thread>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;
using test::Scratch;

namespace {

UniqueFd accepted(const UnixListener& listener) {
    pollfd watched{listener.fd(), POLLIN, 0};
    REQUIRE(::poll(&watched, 1, 5000) == 1);
    return UniqueFd(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
}

void answer(const UniqueFd& connection, std::string_view text) {
    REQUIRE(::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

} // namespace

TEST_CASE("a socket is there for its owner only, and goes with its listener") {
    const Scratch scratch;
    const std::string path = scratch.file("s.sock");
    {
        auto listener = UnixListener::listen(path);
        REQUIRE(listener.has_value());
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777U) == 0600);
        const UnixListener moved = std::move(*listener);
        CHECK(std::filesystem::exists(path));
        CHECK(moved.path() == path);
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("an event loop may take the descriptor; the file still goes with the listener") {
    const Scratch scratch;
    UniqueFd taken;
    {
        auto listener = UnixListener::listen(scratch.file("s.sock")).value();
        taken = listener.take_fd();
        CHECK(UnixClient::connect(scratch.file("s.sock")).has_value());
    }
    CHECK(taken);
    CHECK_FALSE(std::filesystem::exists(scratch.file("s.sock")));
}

TEST_CASE("who asks is known") {
    const Scratch scratch;
    auto listener = UnixListener::listen(scratch.file("s.sock")).value();
    const auto client = UnixClient::connect(scratch.file("s.sock"));
    REQUIRE(client.has_value());
    const auto credentials = peer_credentials(accepted(listener).get());
    REQUIRE(credentials.has_value());
    CHECK(credentials->user == ::geteuid());
    CHECK(credentials->process == ::getpid());
}

TEST_CASE("nobody else can connect") {
    if (!test::can_become_other_user()) return;
    const Scratch scratch;
    REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
    auto listener = UnixListener::listen(scratch.file("s.sock")).value();
    REQUIRE(::seteuid(test::other_user) == 0);
    const auto client = UnixClient::connect(scratch.file("s.sock"));
    REQUIRE(::seteuid(0) == 0);
    REQUIRE_FALSE(client.has_value());
    CHECK(is_errno(client.error(), EACCES));
}

TEST_CASE("a socket that a crash left is replaced, one that lives is not") {
    const Scratch scratch;
    const std::string path = scratch.file("s.sock");
    const pid_t crashing = ::fork();
    if (crashing == 0) {
        const auto listener = UnixListener::listen(path);
        ::_exit(listener ? 0 : 1); // without destructors
    }
    int status = 0;
    REQUIRE(::waitpid(crashing, &status, 0) == crashing);
    CHECK(status == 0);
    CHECK(std::filesystem::exists(path));
    CHECK(is_errno(UnixClient::connect(path).error(), ECONNREFUSED));

    const auto listener = UnixListener::listen(path);
    REQUIRE(listener.has_value());
    const auto second = UnixListener::listen(path);
    REQUIRE_FALSE(second.has_value());
    CHECK(is_errno(second.error(), EADDRINUSE));
    CHECK(UnixClient::connect(path).has_value());
}

TEST_CASE("what is no socket is left alone") {
    const Scratch scratch;
    std::ofstream(scratch.file("s.sock")) << "a file of somebody's";
    CHECK(is_errno(UnixListener::listen(scratch.file("s.sock")).error(), EADDRINUSE));
    CHECK(std::filesystem::file_size(scratch.file("s.sock")) == 20);
    CHECK(is_errno(UnixListener::listen(scratch.file(std::string(200, 'x'))).error(), ENAMETOOLONG));
    CHECK(is_errno(UnixClient::connect(scratch.file("none")).error(), ENOENT));
}

TEST_CASE("questions and answers are lines, however the bytes arrive") {
    const Scratch scratch;
    auto listener = UnixListener::listen(scratch.file("s.sock")).value();
    auto client = UnixClient::connect(scratch.file("s.sock")).value();
    const UniqueFd served = accepted(listener);
    REQUIRE(client.send_line("status", 5s).has_value());
    std::array<char, 16> asked{};
    CHECK(::read(served.get(), asked.data(), asked.size()) == 7);
    CHECK(std::string_view(asked.data()) == "status\n");
    answer(served, "fir");
    answer(served, "st\nsecond\n\nla");
    CHECK(client.next_line(5s) == "first");
    CHECK(client.next_line(5s) == "second");
    CHECK(client.next_line(5s) == "");
    const auto late = client.next_line(20ms);
    REQUIRE_FALSE(late.has_value());
    CHECK(is_errno(late.error(), ETIMEDOUT));
    answer(served, "st\n");
    CHECK(client.ask("again", 5s) == "last");
}

TEST_CASE("a long answer arrives whole") {
    const Scratch scratch;
    auto listener = UnixListener::listen(scratch.file("s.sock")).value();
    auto client = UnixClient::connect(scratch.file("s.sock")).value();
    const std::string text(5'000'000, 'x');
    std::thread server([&listener, &text] {
        const UniqueFd served = accepted(listener);
        answer(served, text + "\n");
    });
    CHECK(client.next_line(60s) == text);
    server.join();
}

TEST_CASE("the other side's end is told from its silence") {
    const Scratch scratch;
    auto listener = UnixListener::listen(scratch.file("s.sock")).value();
    auto client = UnixClient::connect(scratch.file("s.sock")).value();
    {
        const UniqueFd served = accepted(listener);
        answer(served, "unfinished");
    }
    CHECK(is_errno(client.next_line(5s).error(), ECONNRESET));
    CHECK(is_errno(client.send_line("anybody?", 5s).error(), EPIPE));

    auto ignored = UnixClient::connect(scratch.file("s.sock")).value();
    CHECK(is_errno(ignored.send_line(std::string(4'000'000, 'x'), 20ms).error(), ETIMEDOUT));
}

TEST_CASE("what somebody put in a socket's place is not taken away with it") {
    const Scratch scratch;
    const std::string path = scratch.file("s.sock");
    {
        auto listener = UnixListener::listen(path).value();
        CHECK(listener.is_there());
        std::filesystem::remove(path);
        CHECK_FALSE(listener.is_there());
        const auto next = UnixListener::listen(path).value();
        const UnixListener moved = std::move(listener);
        CHECK_FALSE(moved.is_there());
        CHECK(next.is_there());
        std::ofstream(scratch.file("other")) << "another's";
        std::filesystem::rename(scratch.file("other"), path);
        CHECK_FALSE(next.is_there());
    }
    CHECK(std::filesystem::exists(path));
}
