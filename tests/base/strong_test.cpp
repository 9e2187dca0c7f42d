// Integers of different meaning don't mix.
#include "common/base/strong.hpp"

#include <doctest/doctest.h>

#include <type_traits>
#include <unordered_set>

using namespace vpn;

TEST_CASE("a port is not a mark, nor a plain number") {
    static_assert(!std::is_convertible_v<Port, Mark> && !std::is_convertible_v<Port, std::uint16_t>);
    static_assert(!std::is_constructible_v<Mark, Port>);
    CHECK(Port{} == Port{0});
    CHECK(Port{1} < Port{2});
    CHECK(std::unordered_set<Port>{Port{1}, Port{2}, Port{1}}.size() == 2);
}
