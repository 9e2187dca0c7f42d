#include "vpn-client/hook_keeper.hpp"

#include "common/system/files.hpp"
#include "tests/system/scratch.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <new>

using namespace vpn;
using namespace vpn::client;

namespace {

const system::Logger quiet(system::LogLevel::error, system::LogTarget::standard_error, "test");

std::string text_of(const std::string& path) { return system::read_file(path).value_or(""); }

HookRunner runner_of(std::vector<Hook> hooks) {
    auto runner = HookRunner::start();
    REQUIRE(runner);
    REQUIRE(runner->seal(std::move(hooks), "wg7"));
    return std::move(*runner);
}

const auto always = [] { return true; };

} // namespace

TEST_CASE("while a hook runs the loop goes on, and knows which") {
    boost::asio::io_context loop;
    system::EventLoop events(loop, quiet);
    HookKeeper hooks(loop, events, runner_of({{HookMoment::post_up, 4, "sleep 0.2"}}), quiet);
    std::string running;
    int turns = 0;
    std::function<void()> look = [&] {
        ++turns;
        if (!hooks.running().empty()) running = hooks.running();
        boost::asio::post(loop, look);
    };
    look();
    CHECK(hooks.running().empty());
    CHECK(hooks.run_up(HookMoment::post_up, always));
    CHECK(running == "PostUp at line 4");
    CHECK(hooks.running().empty());
    CHECK(turns > 10);
}

TEST_CASE("the first hook that fails is told with its line, code and command") {
    boost::asio::io_context loop;
    system::EventLoop events(loop, quiet);
    HookKeeper hooks(loop, events, runner_of({{HookMoment::pre_up, 5, "exit 7"}, {HookMoment::pre_up, 6, "true"}}), quiet);
    const auto failed = hooks.run_up(HookMoment::pre_up, always);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message == "PreUp at line 5 failed (exit 7): \"exit 7\"; everything was put back");
}

TEST_CASE("a hook that never ends ends once it is not wanted any more") {
    boost::asio::io_context loop;
    system::EventLoop events(loop, quiet);
    HookKeeper hooks(loop, events, runner_of({{HookMoment::pre_up, 1, "sleep 1000 & sleep 1000"}}), quiet);
    const auto ended = hooks.run_up(HookMoment::pre_up, [&] { return hooks.running() != "PreUp at line 1"; });
    REQUIRE_FALSE(ended);
    CHECK(ended.error().message.find("PreUp at line 1 failed (interrupted)") == 0);
}

TEST_CASE("what fails on the way down stops nothing") {
    const test::Scratch scratch;
    boost::asio::io_context loop;
    system::EventLoop events(loop, quiet);
    HookKeeper hooks(
        loop, events,
        runner_of({{HookMoment::pre_down, 1, "false"}, {HookMoment::pre_down, 2, "touch '" + scratch.file("ran") + "'"}}), quiet);
    hooks.run_down(HookMoment::pre_down);
    CHECK(system::read_file(scratch.file("ran")));
}

TEST_CASE("where the process that runs them is ended by somebody, what goes up fails, and what goes down is given up") {
    boost::asio::io_context loop;
    system::EventLoop events(loop, quiet);
    SUBCASE("while one of PostUp runs") {
        HookKeeper hooks(loop, events,
                         runner_of({{HookMoment::post_up, 4, "kill -9 $PPID; sleep 0.1"}, {HookMoment::post_down, 5, "true"}}),
                         quiet);
        const auto failed = hooks.run_up(HookMoment::post_up, always);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().message ==
              "PostUp at line 4: the process that runs hooks was ended by somebody; everything was put back");
        hooks.run_down(HookMoment::post_down); // returns
        CHECK(hooks.running().empty());
    }
    SUBCASE("before") {
        const test::Scratch scratch;
        HookRunner runner = runner_of({{HookMoment::pre_up, 4, "true"}});
        runner.give_up();
        HookKeeper hooks(loop, events, std::move(runner), quiet);
        const auto failed = hooks.run_up(HookMoment::pre_up, always);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().message ==
              "PreUp at line 4 was not run: the process that runs hooks was ended by somebody; everything was put back");
    }
}

TEST_CASE("a moment without hooks passes at once, and so do all where there is no process") {
    boost::asio::io_context loop;
    system::EventLoop events(loop, quiet);
    HookKeeper hooks(loop, events, HookRunner(), quiet);
    CHECK(hooks.run_up(HookMoment::pre_up, always));
    hooks.run_down(HookMoment::post_down);
    HookKeeper others(loop, events, runner_of({{HookMoment::post_up, 4, "false"}}), quiet);
    CHECK(others.run_up(HookMoment::pre_up, always));
}

TEST_CASE("a handler of the loop that throws does not keep everything from being put back") {
    const test::Scratch scratch;
    boost::asio::io_context loop;
    system::EventLoop events(loop, quiet);
    HookKeeper hooks(
        loop, events,
        runner_of({{HookMoment::pre_down, 1, "true"}, {HookMoment::post_down, 2, "echo > '" + scratch.file("ran") + "'"}}),
        quiet);
    boost::asio::post(loop, [] { throw std::runtime_error("of the test"); });
    hooks.run_down(HookMoment::pre_down);
    hooks.run_down(HookMoment::post_down);
    CHECK(text_of(scratch.file("ran")) == "\n");
}

TEST_CASE("a handler of the loop that memory does not suffice for is given up, and does not end a connection on its way up") {
    boost::asio::io_context loop;
    system::EventLoop events(loop, quiet);
    HookKeeper hooks(loop, events, runner_of({{HookMoment::pre_up, 1, "true"}}), quiet);
    boost::asio::post(loop, [] { throw std::bad_alloc(); });
    CHECK(hooks.run_up(HookMoment::pre_up, always));
}
