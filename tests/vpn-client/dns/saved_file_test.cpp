#include "vpn-client/dns/saved_file.hpp"

#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace vpn::client;
using vpn::test::Scratch;

namespace {

using Kind = SavedFile::Kind;

void write(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

SavedFile ours() { return {Kind::file, "ours\n", 0644, ::geteuid(), ::getegid()}; }

} // namespace

TEST_CASE("a file comes back to the byte, with its mode") {
    const Scratch scratch;
    const std::string path = scratch.file("resolv.conf");
    write(path, std::string_view("no newline\0\xff", 12));
    ::chmod(path.c_str(), 0640);
    const auto before = save_file(path);
    REQUIRE(before);
    REQUIRE(put_file(path, ours()));
    CHECK(save_file(path)->content == "ours\n");
    REQUIRE(put_file(path, *before));
    CHECK(*save_file(path) == *before);
    CHECK(before->mode == 0640);
}

TEST_CASE("a link comes back as it was, and where it leads is never written to") {
    const Scratch scratch;
    const std::string path = scratch.file("resolv.conf");
    write(scratch.file("target"), "theirs\n");
    std::filesystem::create_symlink("target", path);
    const auto before = save_file(path);
    REQUIRE(before);
    REQUIRE(put_file(path, ours()));
    CHECK_FALSE(std::filesystem::is_symlink(path));
    CHECK(save_file(scratch.file("target"))->content == "theirs\n");
    REQUIRE(put_file(path, *before));
    CHECK(std::filesystem::read_symlink(path) == "target");
}

TEST_CASE("nothing comes back as nothing") {
    const Scratch scratch;
    const std::string path = scratch.file("resolv.conf");
    const auto before = save_file(path);
    REQUIRE(before);
    REQUIRE(put_file(path, ours()));
    REQUIRE(put_file(path, *before));
    CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("a link that leads nowhere is one all the same") {
    const Scratch scratch;
    const std::string path = scratch.file("resolv.conf");
    std::filesystem::create_symlink("gone", path);
    CHECK(save_file(path)->kind == Kind::link);
}

TEST_CASE("what can't be put back is not saved") {
    const Scratch scratch;
    CHECK_FALSE(save_file(scratch.path()));
    CHECK_FALSE(put_file(scratch.file("missing/resolv.conf"), ours()));
}

TEST_CASE("the rest of a crash is no obstacle") {
    const Scratch scratch;
    const std::string path = scratch.file("resolv.conf");
    write(path + ".vpn-new", "half");
    REQUIRE(put_file(path, ours()));
    CHECK_FALSE(std::filesystem::exists(path + ".vpn-new"));
    write(path + ".vpn-new", "half");
    remove_unfinished(path);
    CHECK(std::filesystem::exists(path));
    CHECK_FALSE(std::filesystem::exists(path + ".vpn-new"));
}
