#include "vpn-client/hooks.hpp"

#include "common/system/files.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace vpn;
using namespace vpn::client;
using Moment = Hooks::Moment;

namespace {

const system::Logger quiet(system::LogLevel::error, system::LogTarget::standard_error, "test");

std::string text_of(const std::string& path) { return system::read_file(path).value_or(""); }

/// Hooks that write into `file`, one line each.
Hooks writing(const std::string& file, const std::string& last = "true") {
    const auto line = [&file](int number, const std::string& key) {
        return config::WgQuickLine{number, key, "echo " + key + " %i " + std::to_string(number) + " >> '" + file + "'"};
    };
    return {{line(1, "PostUp"), line(2, "PreUp"), line(3, "PostDown"), line(4, "PostUp"), {5, "PostUp", last}, line(6, "PostUp")},
            "wg7"};
}

} // namespace

TEST_CASE("the interface's name stands for each %i") {
    CHECK(with_interface("ip link show %i; echo 100%", "wg0") == "ip link show wg0; echo 100%");
    CHECK(with_interface("%i%i%", "a") == "aa%");
    CHECK(with_interface("", "a").empty());
}

TEST_CASE("the hooks of one moment run in the file's order, and no others") {
    const test::Scratch scratch;
    const StopSignal stop;
    const std::string file = scratch.file("ran");
    const Hooks hooks = writing(file);
    REQUIRE(hooks.run_up(Moment::post_up, stop, quiet));
    CHECK(text_of(scratch.file("ran")) == "PostUp wg7 1\nPostUp wg7 4\nPostUp wg7 6\n");
    REQUIRE(hooks.run_up(Moment::pre_up, stop, quiet));
    hooks.run_down(Moment::post_down, quiet);
    hooks.run_down(Moment::pre_down, quiet);
    CHECK(text_of(scratch.file("ran")) == "PostUp wg7 1\nPostUp wg7 4\nPostUp wg7 6\nPreUp wg7 2\nPostDown wg7 3\n");
}

TEST_CASE("the first hook that fails ends them, and its line and code are told") {
    const StopSignal stop;
    for (const auto& [command, told] : std::vector<std::pair<std::string, std::string>>{
             {"exit 7", "exit 7"}, {"false; true", "exit 1"}, {"false | true", "exit 1"}, {"kill -9 $$", "signal 9"}}) {
        const test::Scratch scratch;
        const std::string file = scratch.file("ran");
        const auto failed = writing(file, command).run_up(Moment::post_up, stop, quiet);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().message.starts_with("PostUp at line 5 failed (" + told + "): \"" + command + "\""));
        CHECK(text_of(scratch.file("ran")) == "PostUp wg7 1\nPostUp wg7 4\n");
    }
}

TEST_CASE("a hook that never ends ends when we are asked to") {
    const StopSignal stop;
    ::raise(SIGTERM);
    const Hooks hooks({{1, "PreUp", "sleep 1000 & sleep 1000"}}, "wg7");
    const auto interrupted = hooks.run_up(Moment::pre_up, stop, quiet);
    REQUIRE_FALSE(interrupted);
    CHECK(interrupted.error().message.find("(interrupted)") != std::string::npos);
}
