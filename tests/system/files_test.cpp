// EXPERIENCE "Files that peers exchange", THREATS "hostile files" and "disk full".
#include "common/system/files.hpp"
#include "tests/support/net_namespace.hpp"
#include "tests/system/other_user.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace vpn;
using namespace vpn::system;
using test::Scratch;
using Kind = FileError::Kind;

namespace {

void put(const std::string& path, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

std::size_t entries(const std::string& directory) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

bool mentions(const Failure& failure, const std::string& text) { return failure.message.find(text) != std::string::npos; }

} // namespace

TEST_CASE("a private file is read whole, whatever bytes are in it") {
    const Scratch scratch;
    for (const std::size_t size : {0UL, 1UL, 4096UL, 1'000'000UL}) {
        std::string text(size, '\0');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7);
        put(scratch.file("key"), text);
        CHECK(read_private_file(scratch.file("key")) == text);
    }
}

TEST_CASE("a file that others may read or write is refused, with the mode found and what helps") {
    const Scratch scratch;
    const std::string path = scratch.file("key");
    for (const mode_t mode : {0604U, 0602U, 0640U, 0620U, 0644U, 0666U, 0777U, 0660U}) {
        CAPTURE(mode);
        put(path, "secret", mode);
        const auto read = read_private_file(path);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().kind == Kind::too_open);
        CHECK(mentions(read.error(), "chmod 600 " + path));
        CHECK_FALSE(mentions(read.error(), "secret"));
        CHECK(read_file(path) == "secret");
    }
    put(path, "secret", 0644);
    CHECK(mentions(read_private_file(path).error(), "mode 0644"));
    for (const mode_t mode : {0600U, 0400U, 0700U}) {
        put(path, "secret", mode);
        CHECK(read_private_file(path) == "secret");
    }
}

TEST_CASE("a file without secrets may be read by others, and not written") {
    const Scratch scratch;
    const std::string path = scratch.file("answer");
    for (const mode_t mode : {0600U, 0604U, 0640U, 0644U, 0755U}) {
        CAPTURE(mode);
        put(path, "nothing secret", mode);
        CHECK(read_public_file(path) == "nothing secret");
    }
    for (const mode_t mode : {0602U, 0620U, 0646U, 0664U, 0666U}) {
        CAPTURE(mode);
        put(path, "nothing secret", mode);
        const auto read = read_public_file(path);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().kind == Kind::too_open);
        CHECK(mentions(read.error(), "chmod go-w " + path));
    }
}

TEST_CASE("a file that belongs to a third person is refused, unless that person called us by sudo") {
    if (!test::can_become_other_user()) return;
    const Scratch scratch;
    put(scratch.file("key"), "secret");
    REQUIRE(::chown(scratch.file("key").c_str(), 12345, 12345) == 0);
    ::unsetenv("SUDO_UID");
    const auto read = read_private_file(scratch.file("key"));
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == Kind::too_open);
    CHECK(mentions(read.error(), "12345"));
    ::setenv("SUDO_UID", "12345", 1);
    CHECK(read_private_file(scratch.file("key")) == "secret");
    ::setenv("SUDO_UID", "12346", 1);
    CHECK_FALSE(read_private_file(scratch.file("key")).has_value());
    ::setenv("SUDO_UID", "12345x", 1);
    CHECK_FALSE(read_private_file(scratch.file("key")).has_value());
    ::unsetenv("SUDO_UID");
}

TEST_CASE("what can't be read says why, each in its way") {
    const Scratch scratch;
    CHECK(read_private_file(scratch.file("none")).error().kind == Kind::missing);
    CHECK(read_private_file(scratch.file("none/deeper")).error().kind == Kind::missing);
    CHECK(read_private_file(scratch.path()).error().kind == Kind::not_regular);
    CHECK(read_private_file("/dev/null").error().kind == Kind::not_regular);
    REQUIRE(::mkfifo(scratch.file("pipe").c_str(), 0600) == 0);
    CHECK(read_private_file(scratch.file("pipe")).error().kind == Kind::not_regular); // and does not wait for a writer
    put(scratch.file("large"), std::string(101, 'x'));
    CHECK(read_private_file(scratch.file("large"), ByteCount{100}).error().kind == Kind::too_large);
    CHECK(read_private_file(scratch.file("large"), ByteCount{101}).has_value());
    CHECK(mentions(read_private_file(scratch.file("none")).error(), scratch.file("none")));
}

TEST_CASE("endless and growing files stop at the limit") {
    // The size that the kernel gives for /proc files is zero.
    CHECK(read_file("/proc/self/status").value().find("Name:") == 0);
    CHECK(read_file("/proc/self/status", ByteCount{10}).error().kind == Kind::too_large);
}

TEST_CASE("a file that we may not read is told from one that is not there") {
    if (!test::can_become_other_user()) return;
    const Scratch scratch;
    put(scratch.file("key"), "secret");
    REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
    REQUIRE(::seteuid(test::other_user) == 0);
    const auto read = read_private_file(scratch.file("key"));
    const auto written = write_private_file(scratch.file("other"), "x");
    REQUIRE(::seteuid(0) == 0);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == Kind::not_allowed);
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().kind == Kind::not_allowed);
}

TEST_CASE("a written file is private, complete and alone") {
    const Scratch scratch;
    const std::string path = scratch.file("state");
    put(path, "old", 0644);
    const mode_t before = ::umask(0);
    CHECK(write_private_file(path, "new").has_value());
    CHECK(write_file(scratch.file("public"), "seen by all", 0644).has_value());
    ::umask(before);
    CHECK(read_private_file(path) == "new");
    CHECK(mode_of(path) == 0600);
    CHECK(mode_of(scratch.file("public")) == 0644);
    CHECK(entries(scratch.path()) == 2);
    CHECK(write_private_file(scratch.file("no/such/place"), "x").error().kind == Kind::missing);
}

TEST_CASE("a symbolic link is replaced, not followed: its target belongs to somebody else") {
    const Scratch scratch;
    put(scratch.file("target"), "theirs");
    REQUIRE(::symlink(scratch.file("target").c_str(), scratch.file("link").c_str()) == 0);
    CHECK(write_private_file(scratch.file("link"), "ours").has_value());
    CHECK(read_private_file(scratch.file("target")) == "theirs");
    CHECK(read_private_file(scratch.file("link")) == "ours");
    CHECK_FALSE(std::filesystem::is_symlink(scratch.file("link")));
}

TEST_CASE("on a full disk the old file stays, and nothing else") {
    const Scratch scratch;
    test::with_own_mounts([&scratch] {
        REQUIRE(::mount("none", scratch.path().c_str(), "tmpfs", 0, "size=64k") == 0);
        const std::string path = scratch.file("state");
        CHECK(write_private_file(path, std::string(1000, 'a')).has_value());
        const auto written = write_private_file(path, std::string(200'000, 'b'));
        REQUIRE_FALSE(written.has_value());
        CHECK(mentions(written.error(), "No space left on device"));
        CHECK(mentions(written.error(), path));
        CHECK(read_private_file(path) == std::string(1000, 'a'));
        CHECK(entries(scratch.path()) == 1);
    });
}

TEST_CASE("a file gets another ending, whole or not at all") {
    const Scratch scratch;
    const std::string path = scratch.file("state");
    const std::string start(3'000'000, 'a');
    REQUIRE(write_stamped_file(path, start + "old end", 0600));
    const FileStamp present = stamp_of(path).value();
    SUBCASE("of what is there") {
        const auto written = write_new_ending(path, present, ByteCount{7}, "new one", 0600);
        REQUIRE(written);
        CHECK(*written == stamp_of(path));
        CHECK(read_private_file(path) == start + "new one");
        CHECK(mode_of(path) == 0600);
    }
    SUBCASE("none of it stays") {
        REQUIRE(write_new_ending(path, present, ByteCount{start.size() + 7}, "all", 0600).value());
        CHECK(read_private_file(path) == "all");
    }
    SUBCASE("not of what somebody changed meanwhile") {
        std::ofstream(path, std::ios::app) << '!';
        CHECK(write_new_ending(path, present, ByteCount{7}, "new one", 0600).value() == std::nullopt);
        CHECK(read_private_file(path) == start + "old end!");
    }
    SUBCASE("not of another file in its place") {
        put(scratch.file("other"), start + "old end");
        std::filesystem::rename(scratch.file("other"), path);
        CHECK(write_new_ending(path, present, ByteCount{7}, "new one", 0600).value() == std::nullopt);
    }
    SUBCASE("not of what a link leads to") {
        std::filesystem::rename(path, scratch.file("elsewhere"));
        std::filesystem::create_symlink(scratch.file("elsewhere"), path);
        CHECK(write_new_ending(path, present, ByteCount{7}, "new one", 0600).value() == std::nullopt);
        CHECK(read_private_file(scratch.file("elsewhere")) == start + "old end");
        std::filesystem::remove(scratch.file("elsewhere"));
    }
    SUBCASE("not of what is gone") {
        std::filesystem::remove(path);
        CHECK(write_new_ending(path, present, ByteCount{7}, "new one", 0600).value() == std::nullopt);
        std::ofstream(path) << '!';
    }
    CHECK(entries(scratch.path()) == 1);
}

TEST_CASE("on a full disk no new ending is begun, and the old one stays") {
    const Scratch scratch;
    test::with_own_mounts([&scratch] {
        REQUIRE(::mount("none", scratch.path().c_str(), "tmpfs", 0, "size=64k") == 0);
        const std::string path = scratch.file("state");
        REQUIRE(write_stamped_file(path, std::string(20'000, 'a'), 0600));
        const FileStamp present = stamp_of(path).value();
        const auto written = write_new_ending(path, present, ByteCount{0}, std::string(60'000, 'b'), 0600);
        REQUIRE_FALSE(written.has_value());
        CHECK(mentions(written.error(), "No space left on device"));
        CHECK(read_private_file(path) == std::string(20'000, 'a'));
        CHECK(entries(scratch.path()) == 1);
    });
}

TEST_CASE("a read-only disk is told") {
    const Scratch scratch;
    test::with_own_mounts([&scratch] {
        REQUIRE(::mount("none", scratch.path().c_str(), "tmpfs", MS_RDONLY, "size=64k") == 0);
        CHECK(write_private_file(scratch.file("state"), "x").error().kind == Kind::not_allowed);
    });
}

TEST_CASE("state that is already there is not written again") {
    const Scratch scratch;
    const std::string path = scratch.file("state");
    const auto inode = [&path] {
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        return status.st_ino;
    };
    CHECK(write_state_file(path, "one").has_value());
    const ino_t first = inode();
    CHECK(write_state_file(path, "one").has_value());
    CHECK(inode() == first);
    CHECK(write_state_file(path, "two").has_value());
    CHECK(read_private_file(path) == "two");
    put(path, "two", 0644);
    CHECK(write_state_file(path, "two").has_value()); // but one that others can read is
    CHECK(mode_of(path) == 0600);
    CHECK(remove_file(path).has_value());
    CHECK(remove_file(path).has_value());
    CHECK(entries(scratch.path()) == 0);
}

TEST_CASE("a directory is made with its mode, or taken if only we can write to it") {
    const Scratch scratch;
    const std::string path = scratch.file("run");
    const mode_t before = ::umask(0777);
    CHECK(ensure_directory(path, 0755).has_value());
    ::umask(before);
    CHECK(mode_of(path) == 0755);
    CHECK(ensure_directory(path, 0700).has_value());
    REQUIRE(::chmod(path.c_str(), 0775) == 0);
    const auto open_to_group = ensure_directory(path, 0755);
    REQUIRE_FALSE(open_to_group.has_value());
    CHECK(open_to_group.error().kind == Kind::too_open);
    CHECK(mentions(open_to_group.error(), "mode 0775"));
    put(scratch.file("file"), "");
    CHECK(ensure_directory(scratch.file("file"), 0755).error().kind == Kind::not_regular);
    REQUIRE(::symlink(path.c_str(), scratch.file("link").c_str()) == 0);
    CHECK(ensure_directory(scratch.file("link"), 0755).error().kind == Kind::not_regular);
    CHECK(ensure_directory(scratch.file("no/such"), 0755).error().kind == Kind::missing);
}
