#include "common/system/command.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace vpn::system;
using namespace std::chrono_literals;

TEST_CASE("a command is fed, and heard") {
    const auto done = run_command({"/bin/sh", "-c", "cat; echo no >&2; exit 7"}, "in\n", 10s);
    REQUIRE(done);
    CHECK(done->code == 7);
    CHECK(done->said == "in\nno");
}

TEST_CASE("a command gets a plain environment, and signals as they are usually") {
    const auto done = run_command({"/bin/sh", "-c", "env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=; kill -TERM $$"}, "", 10s);
    REQUIRE(done);
    CHECK(done->said.starts_with("PATH="));
    CHECK(done->said.find('\n') == std::string::npos);
    CHECK(done->code == 128 + 15);
}

TEST_CASE("a command that is not there, or takes too long, is an error") {
    CHECK_FALSE(run_command({"/nonexistent/program"}, "", 10s));
    CHECK_FALSE(run_command({"/bin/sh", "-c", "exec sleep 1000"}, "", 50ms));
}

TEST_CASE("programs are found where the system keeps them") {
    CHECK(find_program("sh").ends_with("/bin/sh"));
    CHECK(find_program("no-such-program").empty());
}
