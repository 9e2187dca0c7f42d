#include "common/system/file_stamp.hpp"

#include "common/system/clocks.hpp"
#include "common/system/files.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;
using test::Scratch;

TEST_CASE("a file that nobody touches keeps its stamp, and reading it is no change") {
    const Scratch scratch;
    const std::string path = scratch.file("file");
    REQUIRE(write_private_file(path, "text"));
    const auto stamp = stamp_of(path);
    REQUIRE(stamp);
    CHECK(read_private_file(path) == "text");
    CHECK(stamp_of(path) == stamp);
    CHECK_FALSE(stamp_of(scratch.file("none")));
}

TEST_CASE("what write_file has written has another stamp than the same text written over it at once") {
    const Scratch scratch;
    const std::string path = scratch.file("file");
    for (int i = 0; i < 200; ++i) {
        REQUIRE(write_private_file(path, "text"));
        const auto stamp = stamp_of(path);
        REQUIRE(stamp);
        CHECK(stamp->is_precise());
        std::ofstream(path) << "text";
        CHECK(stamp_of(path) != stamp);
    }
}

TEST_CASE("a mode is part of the stamp") {
    const Scratch scratch;
    const std::string path = scratch.file("file");
    REQUIRE(write_private_file(path, "text"));
    const auto stamp = stamp_of(path);
    // The kernel's clock ticks some hundred times a second.
    while (stamp_of(path)->changed == stamp->changed) REQUIRE(::chmod(path.c_str(), 0644) == 0);
    CHECK(stamp_of(path)->modified == stamp->modified);
}

TEST_CASE("a stamp settles three seconds after the last change of any kind") {
    const Wall written(1'000'000s + 5ns);
    const FileStamp stamp{.device = 1, .inode = 2, .size = 3, .modified = written, .changed = written + 1s};
    CHECK_FALSE(stamp.is_settled(written + 4s));
    CHECK(stamp.is_settled(written + 4s + 1ns));
    CHECK_FALSE(stamp.is_settled(written - 1s)); // the clock went back
}

TEST_CASE("a file system without nanoseconds makes no stamp precise") {
    FileStamp stamp{.device = 1, .inode = 2, .size = 3, .modified = Wall(7s), .changed = Wall(7s + 1ns)};
    CHECK_FALSE(stamp.is_precise());
    stamp.modified += 10ms;
    CHECK_FALSE(stamp.is_precise());
    stamp.modified += 1ns;
    CHECK(stamp.is_precise());
}
