// Every reason for a drop has a name of its own, and its own place in the counts.
#include "common/protocol/drop.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace vpn::protocol;

TEST_CASE("every reason has a name of its own, in lower case with hyphens") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < drop_reasons; ++i) {
        const std::string_view name = name_of(static_cast<Drop>(i));
        CHECK(names.insert(name).second);
        CHECK(name != "unknown");
        CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos);
    }
    CHECK(name_of(static_cast<Drop>(drop_reasons)) == "unknown");
}

TEST_CASE("drops are counted by reason") {
    DropCounts counts;
    counts.add(Drop::bad_tag);
    counts.add(Drop::bad_tag);
    counts.add(Drop::unsent);
    CHECK(counts.of(Drop::bad_tag) == 2);
    CHECK(counts.of(Drop::unsent) == 1);
    CHECK(counts.of(Drop::malformed) == 0);
}

TEST_CASE("a peer's drops are counted by reason, every reason at a place of its own") {
    SharedDropCounts shared;
    for (std::size_t i = 0; i < drop_reasons; ++i)
        for (std::size_t times = 0; times <= i; ++times) shared.add(static_cast<Drop>(i));
    const DropCounts counts = shared.read();
    for (std::size_t i = 0; i < drop_reasons; ++i) CHECK(counts.counts[i] == i + 1);
}
