#include "common/system/unfinished_file.hpp"

#include "common/system/files.hpp"
#include "tests/system/in_child.hpp"
#include "tests/system/other_user.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <set>

using namespace vpn;
using namespace vpn::system;
using test::Scratch;

namespace {

std::set<std::string> names_in(const std::string& directory) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) names.insert(entry.path().filename());
    return names;
}

/// The kernel kills whoever writes more than ten bytes into a file.
int write_until_killed(const std::string& path) {
    return test::in_child([&path] {
        const rlimit ten{10, 10};
        ::setrlimit(RLIMIT_FSIZE, &ten);
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        return write_private_file(path, "a secret of more than ten bytes") ? 0 : 1;
    });
}

void put(const std::string& path) { REQUIRE(write_private_file(path, "x")); }

} // namespace

TEST_CASE("what a writer that was killed left goes with the next write to the same file") {
    const Scratch scratch;
    put(scratch.file("server.json"));
    for (int i = 0; i < 3; ++i) CHECK(write_until_killed(scratch.file("server.json")) == -SIGXFSZ);
    REQUIRE(names_in(scratch.path()).size() == 2); // the third found what the second had left
    CHECK(read_private_file(scratch.file("server.json")) == "x");
    REQUIRE(write_private_file(scratch.file("server.json"), "new"));
    CHECK(names_in(scratch.path()) == std::set<std::string>{"server.json"});
    CHECK(read_private_file(scratch.file("server.json")) == "new");
}

TEST_CASE("what was left for another file stays until somebody writes that, or cleans up") {
    const Scratch scratch;
    CHECK(write_until_killed(scratch.file("other")) == -SIGXFSZ);
    CHECK(write_until_killed(scratch.file("another")) == -SIGXFSZ);
    put(scratch.file("state"));
    CHECK(names_in(scratch.path()).size() == 3);
    remove_unfinished(scratch.path(), "other");
    CHECK(names_in(scratch.path()).size() == 2);
    remove_unfinished(scratch.path());
    CHECK(names_in(scratch.path()) == std::set<std::string>{"state"});
    remove_unfinished(scratch.file("no/such"));
}

TEST_CASE("what somebody is writing stays, and gets its name") {
    const Scratch scratch;
    UnfinishedFile slow(scratch.file("state"));
    REQUIRE(slow.made());
    CHECK(slow.fill("slow", 0640) == 0);
    put(scratch.file("state"));
    remove_unfinished(scratch.path());
    CHECK(names_in(scratch.path()).size() == 2);
    CHECK(slow.rename_to(scratch.file("state")) == 0);
    CHECK(read_file(scratch.file("state")) == "slow");
    CHECK(names_in(scratch.path()) == std::set<std::string>{"state"});
}

TEST_CASE("one that gets no name goes") {
    const Scratch scratch;
    {
        UnfinishedFile file(scratch.file("state"));
        CHECK(file.fill("text", 0600) == 0);
        CHECK(names_in(scratch.path()).size() == 1);
    }
    CHECK(names_in(scratch.path()).empty());
}

TEST_CASE("files that are called otherwise, and what is no file, stay") {
    const Scratch scratch;
    for (const char* name : {"state.backup", "state.Ab3xYz", "state.unfinished", "state.unfinished-", "state.unfinished-Ab3xY",
                             "state.unfinished-Ab3xYz1", "state.unfinished-Ab3x.z", ".unfinished-Ab3xYz", "unfinished-Ab3xYz"})
        put(scratch.file(name));
    REQUIRE(::mkdir(scratch.file("state.unfinished-aaaaaa").c_str(), 0700) == 0);
    REQUIRE(::symlink("state.backup", scratch.file("state.unfinished-bbbbbb").c_str()) == 0);
    REQUIRE(::mkfifo(scratch.file("state.unfinished-cccccc").c_str(), 0600) == 0);
    const auto before = names_in(scratch.path());
    remove_unfinished(scratch.path());
    CHECK(names_in(scratch.path()) == before);
    put(scratch.file("state"));
    CHECK(names_in(scratch.path()).size() == before.size() + 1);
    CHECK(goal_of_unfinished("state.unfinished-Ab3xYz") == "state");
    CHECK(goal_of_unfinished("a.unfinished-Ab3xYz.unfinished-000000") == "a.unfinished-Ab3xYz");
    CHECK(goal_of_unfinished("").empty());
}

TEST_CASE("what belongs to somebody else stays") {
    if (!test::can_become_other_user()) return;
    const Scratch scratch;
    put(scratch.file("state.unfinished-Ab3xYz"));
    REQUIRE(::chown(scratch.file("state.unfinished-Ab3xYz").c_str(), test::other_user, 0) == 0);
    remove_unfinished(scratch.path());
    CHECK(names_in(scratch.path()).size() == 1);
}

TEST_CASE("many who write one file at once, and one who cleans up, don't get in each other's way") {
    const Scratch scratch;
    const std::string path = scratch.file("state");
    std::set<pid_t> writers;
    for (int i = 0; i < 4; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            int failures = 0;
            for (int round = 0; round < 100; ++round) failures += write_private_file(path, std::string(2000, 'x')) ? 0 : 1;
            ::_exit(failures);
        }
        writers.insert(child);
    }
    while (!writers.empty()) {
        remove_unfinished(scratch.path());
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, WNOHANG);
        if (ended == 0) continue;
        REQUIRE(writers.erase(ended) == 1);
        CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    CHECK(names_in(scratch.path()) == std::set<std::string>{"state"});
}
