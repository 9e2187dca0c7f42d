#include "common/system/directory.hpp"

#include "tests/system/scratch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

namespace vpn::system {

TEST_CASE("everything that is in a directory, and nothing where there is none or it is a file") {
    const test::Scratch scratch;
    std::ofstream(scratch.file("a")) << "text";
    std::filesystem::create_directory(scratch.file("b"));
    std::filesystem::create_symlink("/no/such/file", scratch.file("c"));

    auto found = paths_in(std::filesystem::path(scratch.file("a")).parent_path());
    std::ranges::sort(found);
    CHECK(found == std::vector<std::filesystem::path>{scratch.file("a"), scratch.file("b"), scratch.file("c")});
    CHECK(paths_in(scratch.file("d")).empty());
    CHECK(paths_in(scratch.file("a")).empty());
}

} // namespace vpn::system
