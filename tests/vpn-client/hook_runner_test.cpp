#include "vpn-client/hook_runner.hpp"

#include "common/system/files.hpp"
#include "tests/system/scratch.hpp"
#include "vpn-client/hook_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

using namespace vpn;
using namespace vpn::client;
using namespace std::string_literals;
using Kind = HookNews::Kind;

namespace {

std::string text_of(const std::string& path) { return system::read_file(path).value_or(""); }

HookRunner runner_of(std::vector<Hook> hooks) {
    auto runner = HookRunner::start();
    REQUIRE(runner);
    REQUIRE(runner->seal(std::move(hooks), "wg7"));
    return std::move(*runner);
}

/// The next thing that it says; none when it has gone.
std::optional<HookNews> wait_for_news(HookRunner& runner) {
    while (!runner.gone()) {
        if (auto news = runner.next_news()) return news;
        if (runner.gone()) break;
        pollfd watched{runner.fd(), POLLIN, 0};
        ::poll(&watched, 1, -1);
    }
    return std::nullopt;
}

/// All that it says of a moment, but for the last word.
std::vector<HookNews> run(HookRunner& runner, HookMoment moment) {
    std::vector<HookNews> told;
    REQUIRE(runner.run(moment));
    for (auto news = wait_for_news(runner); news; news = wait_for_news(runner)) {
        if (news->kind == Kind::over) return told;
        told.push_back(std::move(*news));
    }
    FAIL("it has gone");
    return told;
}

/// A process that obeys what comes through the door, and its end.
struct Raw {
    system::UniqueFd door;
    pid_t process = 0;

    Raw() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
        door.reset(ends[0]);
        process = ::fork();
        if (process == 0) {
            door.reset();
            live_for_hooks(system::UniqueFd(ends[1]));
        }
        ::close(ends[1]);
    }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;
    ~Raw() {
        door.reset();
        if (process > 0) ::waitpid(process, nullptr, 0);
    }
    void say(const std::string& datagram) const { ::send(door.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL); }
    /// Its exit code, and all that it said.
    std::pair<int, std::string> end() {
        std::string said;
        std::array<char, 256> piece{};
        for (ssize_t got = 0; (got = ::recv(door.get(), piece.data(), piece.size(), 0)) > 0;)
            said.append(piece.data(), static_cast<std::size_t>(got));
        int status = 0;
        REQUIRE(::waitpid(std::exchange(process, 0), &status, 0) > 0);
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), said};
    }
};

} // namespace

TEST_CASE("the hooks of one moment run in the file's order, and no others, and each is told of") {
    const test::Scratch scratch;
    const auto line = [&](int number, HookMoment moment) {
        return Hook{moment, number, "echo %i " + std::to_string(number) + " >> '" + scratch.file("ran") + "'"};
    };
    HookRunner runner = runner_of({line(1, HookMoment::post_up), line(2, HookMoment::pre_up), line(3, HookMoment::post_down),
                                   line(4, HookMoment::post_up)});
    CHECK(run(runner, HookMoment::pre_up) == std::vector<HookNews>{{Kind::begun, 1, {}}, {Kind::fine, 1, {}}});
    CHECK(text_of(scratch.file("ran")) == "wg7 2\n");
    CHECK(run(runner, HookMoment::post_up) ==
          std::vector<HookNews>{{Kind::begun, 0, {}}, {Kind::fine, 0, {}}, {Kind::begun, 3, {}}, {Kind::fine, 3, {}}});
    CHECK(text_of(scratch.file("ran")) == "wg7 2\nwg7 1\nwg7 4\n");
    CHECK(run(runner, HookMoment::pre_down).empty());
    CHECK(run(runner, HookMoment::post_down).size() == 2);
    CHECK(text_of(scratch.file("ran")) == "wg7 2\nwg7 1\nwg7 4\nwg7 3\n");
}

TEST_CASE("the first of PreUp or PostUp that fails is the last, and those of PreDown and PostDown all run") {
    for (const auto& [command, told] : std::vector<std::pair<std::string, std::string>>{
             {"exit 7", "exit 7"}, {"false; true", "exit 1"}, {"false | true", "exit 1"}, {"kill -9 $$", "signal 9"}}) {
        CAPTURE(command);
        HookRunner runner = runner_of({{HookMoment::post_up, 1, command},
                                       {HookMoment::post_up, 2, "true"},
                                       {HookMoment::pre_down, 3, command},
                                       {HookMoment::pre_down, 4, "true"}});
        CHECK(run(runner, HookMoment::post_up) == std::vector<HookNews>{{Kind::begun, 0, {}}, {Kind::failed, 0, told}});
        CHECK(run(runner, HookMoment::pre_down) ==
              std::vector<HookNews>{{Kind::begun, 2, {}}, {Kind::failed, 2, told}, {Kind::begun, 3, {}}, {Kind::fine, 3, {}}});
    }
}

TEST_CASE("a hook of PostUp that never ends is ended by a word, with all of its group") {
    HookRunner runner = runner_of({{HookMoment::post_up, 1, "sleep 1000 & sleep 1000"}, {HookMoment::post_up, 2, "true"}});
    REQUIRE(runner.run(HookMoment::post_up));
    CHECK(wait_for_news(runner) == HookNews{Kind::begun, 0, {}});
    runner.end();
    CHECK(wait_for_news(runner) == HookNews{Kind::failed, 0, "interrupted"});
    CHECK(wait_for_news(runner) == HookNews{});
}

TEST_CASE("it bears its name, hears no signals, is nobody's to look into, and has a session of its own") {
    const test::Scratch scratch;
    HookRunner runner = runner_of({{HookMoment::pre_up, 1, "echo $PPID > '" + scratch.file("pid") + "'"},
                                   {HookMoment::post_up, 2,
                                    "kill -INT $PPID; kill -TERM $PPID; kill -HUP $PPID; kill -QUIT $PPID; kill -USR1 $PPID; "
                                    "stat -c %u /proc/$PPID/status > '" +
                                        scratch.file("owner") + "'"},
                                   {HookMoment::pre_down, 3, "true"}});
    CHECK(run(runner, HookMoment::pre_up).size() == 2);
    const pid_t process = std::stoi(text_of(scratch.file("pid")));
    CHECK(text_of("/proc/" + std::to_string(process) + "/comm") == "vpn-hooks\n");
    CHECK(::getsid(process) == process);
    CHECK(run(runner, HookMoment::post_up).size() == 2);
    CHECK(text_of(scratch.file("owner")) == "0\n"); // the kernel gives root what is not dumpable
    CHECK(run(runner, HookMoment::pre_down) == std::vector<HookNews>{{Kind::begun, 2, {}}, {Kind::fine, 2, {}}});
}

TEST_CASE("it ends with whoever holds it, and ends a hook of PostUp that runs then") {
    const test::Scratch scratch;
    const std::string pipe = scratch.file("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const system::UniqueFd held(::open(pipe.c_str(), O_RDWR | O_CLOEXEC)); // so that a hook opens it at once
    {
        HookRunner runner = runner_of({{HookMoment::post_up, 1, "exec 3<> '" + pipe + "'; echo > '" + pipe + "'; sleep 1000"}});
        REQUIRE(runner.run(HookMoment::post_up));
        char begun = 0;
        REQUIRE(::read(held.get(), &begun, 1) == 1);
    }                                             // would never end otherwise
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // no child is left
}

TEST_CASE("of PreDown what was begun is done to its end, though nobody is there any more") {
    const test::Scratch scratch;
    Raw raw;
    raw.say(encode(HookOrder{HookOrder::Kind::add, {HookMoment::pre_down, 1, "sleep 0.1"}, {}, {}}));
    raw.say(
        encode(HookOrder{HookOrder::Kind::add, {HookMoment::pre_down, 2, "echo %i > '" + scratch.file("ran") + "'"}, {}, {}}));
    raw.say(encode(HookOrder{HookOrder::Kind::seal, {}, "wg7", {}}));
    raw.say(encode(HookOrder{HookOrder::Kind::run, {}, {}, HookMoment::pre_down}));
    raw.door.reset();
    REQUIRE(::waitpid(std::exchange(raw.process, 0), nullptr, 0) > 0);
    CHECK(text_of(scratch.file("ran")) == "wg7\n");
}

TEST_CASE("whoever says what the daemon must not is not heard any more") {
    const test::Scratch scratch;
    const std::string touch = "touch '" + scratch.file("ran") + "'";
    const std::string add = encode(HookOrder{HookOrder::Kind::add, {HookMoment::post_up, 1, touch}, {}, {}});
    const std::string seal = encode(HookOrder{HookOrder::Kind::seal, {}, "wg7", {}});
    const std::string run = encode(HookOrder{HookOrder::Kind::run, {}, {}, HookMoment::post_up});
    for (const std::string& wrong : {"garbage"s, "r\x04"s, add, seal, "a\x01\x04\0\0\0"s + std::string(longest_hook + 1, 'x')}) {
        CAPTURE(wrong.substr(0, 20));
        Raw raw;
        for (const std::string& each : {seal, wrong, run}) raw.say(each);
        CHECK(raw.end() == std::pair(0, ""s));
        CHECK_FALSE(system::read_file(scratch.file("ran")));
    }
    Raw early;
    for (const std::string& each : {add, run, seal}) early.say(each);
    CHECK(early.end() == std::pair(0, ""s));
    CHECK_FALSE(system::read_file(scratch.file("ran")));
}

TEST_CASE("that somebody ended it is seen, and nothing is run any more") {
    HookRunner runner = runner_of({{HookMoment::pre_up, 1, "kill -9 $PPID; sleep 0.1"}, {HookMoment::post_up, 2, "true"}});
    REQUIRE(runner.run(HookMoment::pre_up));
    CHECK(wait_for_news(runner) == HookNews{Kind::begun, 0, {}});
    CHECK_FALSE(wait_for_news(runner));
    CHECK(runner.gone());
    CHECK_FALSE(runner.run(HookMoment::post_up));
}

TEST_CASE("without hooks there is no process, and a hook that nobody could run is refused") {
    CHECK(runner_of({}).gone());
    CHECK(HookRunner().gone());
    auto runner = HookRunner::start();
    REQUIRE(runner);
    const auto refused = runner->seal({{HookMoment::pre_up, 9, std::string(longest_hook + 1, 'x')}}, "wg7");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.starts_with("PreUp at line 9 is longer"));
}

TEST_CASE("as many hooks as anybody writes arrive in their order") {
    std::vector<Hook> many;
    for (int i = 0; i < 2000; ++i) many.push_back({i == 1999 ? HookMoment::pre_up : HookMoment::post_up, i, "true"});
    many.front().command = std::string(longest_hook - 10, ' ') + "true";
    HookRunner runner = runner_of(many);
    CHECK(run(runner, HookMoment::pre_up) == std::vector<HookNews>{{Kind::begun, 1999, {}}, {Kind::fine, 1999, {}}});
}
