// TAI64N as the WireGuard paper (5.1) uses it.
#include "common/crypto/tai64n.hpp"

#include "common/base/encoding.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace vpn;
using namespace vpn::crypto;
using namespace std::chrono_literals;

namespace {

std::string text_of(const Tai64n& stamp) { return format_hex(stamp.bytes); }
Tai64n at(Duration since_1970) { return Tai64n::from(Wall(since_1970)); }
std::uint32_t nanoseconds_of(const Tai64n& stamp) { return load_be<std::uint32_t>(stamp.bytes.data() + 8); }

constexpr auto step = std::chrono::nanoseconds(16'777'216); // 2^24

} // namespace

TEST_CASE("seconds are counted from 1970 plus 2^62 and the ten leap seconds before it") {
    CHECK(text_of(at(0s)) == "400000000000000a00000000");
    CHECK(text_of(at(1s)) == "400000000000000b00000000");
    CHECK(text_of(at(1'000'000'000s)) == "400000003b9aca0a00000000");
    CHECK(text_of(at(4'294'967'296s)) == "400000010000000a00000000");
}

TEST_CASE("nanoseconds are rounded down to a multiple of 2^24") {
    CHECK(text_of(at(1ns)) == "400000000000000a00000000");
    CHECK(text_of(at(step - 1ns)) == "400000000000000a00000000");
    CHECK(text_of(at(step)) == "400000000000000a01000000");
    CHECK(text_of(at(500ms)) == "400000000000000a1d000000");
    CHECK(text_of(at(999'999'999ns)) == "400000000000000a3b000000");
}

TEST_CASE("a clock before 1970 still gives a timestamp that sorts") {
    CHECK(text_of(at(-1s)) == "400000000000000900000000");
    CHECK(text_of(at(-1ns)) == "40000000000000093b000000");
    CHECK(at(-1ns) < at(0ns));
    CHECK(at(-11s) < at(-10s));
}

TEST_CASE("timestamps compare as their times do") {
    CHECK(at(0s) < at(step));
    CHECK(at(255s) < at(256s));
    CHECK(at(1s + 900ms) < at(2s));
    CHECK(at(1s) == at(1s + step / 2));
}

TEST_CASE("the next timestamp is 2^24 nanoseconds later") {
    CHECK(at(0s).next() == at(step));
    CHECK(at(7s + step).next() == at(7s + 2 * step));
}

TEST_CASE("the next timestamp carries into the seconds") {
    CHECK(text_of(at(999'999'999ns).next()) == "400000000000000b00000000");
    CHECK(text_of(at(255s + 999ms).next()) == "400000000000010a00000000");
    CHECK(text_of(at(245s + 999ms).next()) == "400000000000010000000000");
}

TEST_CASE("a chain of next timestamps always grows, stays rounded and never holds a whole second of nanoseconds") {
    Tai64n stamp = at(1'700'000'000s + 123'456'789ns);
    for (int i = 0; i < 1000; ++i) {
        const Tai64n later = stamp.next();
        REQUIRE(later > stamp);
        REQUIRE(nanoseconds_of(later) < 1'000'000'000);
        REQUIRE(nanoseconds_of(later) % 16'777'216 == 0);
        stamp = later;
    }
    CHECK(stamp > at(1'700'000'016s));
    CHECK(stamp < at(1'700'000'017s));
}

TEST_CASE("the next of a timestamp that a peer sent unrounded is still greater") {
    Tai64n odd = at(5s);
    store_be<std::uint32_t>(odd.bytes.data() + 8, 16'777'217);
    CHECK(odd.next() > odd);
    CHECK(nanoseconds_of(odd.next()) % 16'777'216 == 0);
    store_be<std::uint32_t>(odd.bytes.data() + 8, std::numeric_limits<std::uint32_t>::max());
    CHECK(odd.next() == at(6s));
}
