// PROTOCOL 4: a daemon ends when its socket is deleted.
#include "common/system/directory_watch.hpp"
#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <fstream>

using namespace vpn::system;
using vpn::test::Scratch;

namespace {

/// Readable at once; and then not any more.
bool has_changed(const DirectoryWatch& watch) {
    pollfd watched{watch.fd(), POLLIN, 0};
    const bool changed = ::poll(&watched, 1, 0) == 1;
    watch.acknowledge();
    REQUIRE(::poll(&watched, 1, 0) == 0);
    return changed;
}

} // namespace

TEST_CASE("names that come, go or take another's place are heard, and what happens to their contents is not") {
    const Scratch scratch;
    const auto watch = DirectoryWatch::open(scratch.path());
    REQUIRE(watch.has_value());
    CHECK_FALSE(has_changed(*watch));
    std::ofstream(scratch.file("a")) << "text";
    CHECK(has_changed(*watch));
    std::ofstream(scratch.file("a"), std::ios::app) << "more";
    CHECK_FALSE(has_changed(*watch));
    std::filesystem::rename(scratch.file("a"), scratch.file("b"));
    CHECK(has_changed(*watch));
    std::filesystem::remove(scratch.file("b"));
    CHECK(has_changed(*watch));
    std::filesystem::remove(scratch.path());
    CHECK(has_changed(*watch));
}

TEST_CASE("only a directory can be watched") {
    const Scratch scratch;
    std::ofstream(scratch.file("a")) << "text";
    CHECK(is_errno(DirectoryWatch::open(scratch.file("a")).error(), ENOTDIR));
    CHECK(is_errno(DirectoryWatch::open(scratch.file("none")).error(), ENOENT));
}
