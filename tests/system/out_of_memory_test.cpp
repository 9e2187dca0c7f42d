// THREATS: memory runs out. A request that memory does not suffice for is lost, and no other; the loop goes on.
#include "common/system/control_server.hpp"
#include "common/system/event_loop.hpp"
#include "tests/support/failing_new.hpp"
#include "tests/system/scratch.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <string>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;
using support::FailingNew;
using support::for_each_allocation;
using test::Scratch;

namespace {

constexpr auto patience = 10s;
/// Long enough to be nowhere but in the heap.
const std::string question(100, 'q');

std::string answer_to(std::string_view request) { return std::string(request) + std::string(100, '!'); }

/// A server and its loop, on the test's own thread.
struct Daemon {
    explicit Daemon(const std::string& path) : server(loop, UnixListener::listen(path).value(), answer_to) {}
    boost::asio::io_context loop{1};
    ControlServer server;

    /// Runs what is there to be done; what throws is given up, as by a daemon.
    void go_on() {
        for (bool more = true; more;) {
            try {
                more = loop.poll_one() != 0;
            } catch (const std::bad_alloc&) {
            }
        }
    }
};

} // namespace

TEST_CASE("a handler that memory does not suffice for is given up, and those behind it run") {
    boost::asio::io_context loop;
    EventLoop events(loop, Logger(LogLevel::error, LogTarget::standard_error, "test"));
    int ran = 0;
    boost::asio::post(loop, [] { throw std::bad_alloc(); });
    boost::asio::post(loop, [&ran] { ++ran; });
    events.run();
    CHECK(ran == 1);
}

TEST_CASE("whichever allocation fails while a command is served, the next is answered") {
    const Scratch scratch;
    Daemon daemon(scratch.file("s.sock"));
    std::size_t failures = 0;
    for_each_allocation([&](std::size_t number, bool for_good) {
        CAPTURE(number);
        auto client = UnixClient::connect(scratch.file("s.sock")).value();
        REQUIRE(client.send_line(question, patience));
        bool failed = false;
        {
            const FailingNew failing(number, for_good);
            daemon.go_on();
            failed = failing.failed();
        }
        auto next = UnixClient::connect(scratch.file("s.sock")).value();
        REQUIRE(next.send_line(question, patience));
        daemon.go_on();
        CHECK(next.next_line(patience).value_or("nothing") == answer_to(question));
        return failed && ++failures != 0;
    });
    CHECK(failures > 4);
}
