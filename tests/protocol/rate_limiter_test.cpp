// PROTOCOL 3: under load, 20 handshakes a second and 5 at once for an IPv4 address or an IPv6 /64, in a bounded table.
#include "common/protocol/rate_limiter.hpp"

#include "tests/support/seeded_random.hpp"
#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

IpAddress v4_number(std::uint32_t number) {
    ByteArray<4> bytes{};
    store_be(bytes.data(), number);
    return IpAddress::v4(bytes);
}

int how_many(RateLimiter& limiter, const IpAddress& address, Boot now, int asked) {
    int allowed = 0;
    for (int i = 0; i < asked; ++i) allowed += limiter.allow(address, now) ? 1 : 0;
    return allowed;
}

} // namespace

TEST_CASE("five handshakes at once are allowed, the sixth is not") {
    RateLimiter limiter;
    const VirtualClock clock;
    CHECK(how_many(limiter, ip("192.0.2.1"), clock.boot(), 100) == 5);
    CHECK(how_many(limiter, ip("2001:db8::1"), clock.boot(), 100) == 5);
}

TEST_CASE("the allowance comes back at twenty a second, up to five") {
    RateLimiter limiter;
    VirtualClock clock;
    const IpAddress address = ip("192.0.2.1");
    CHECK(how_many(limiter, address, clock.boot(), 10) == 5);
    clock.advance(50ms - 1ns);
    CHECK(how_many(limiter, address, clock.boot(), 10) == 0);
    clock.advance(1ns);
    CHECK(how_many(limiter, address, clock.boot(), 10) == 1);
    clock.advance(100ms);
    CHECK(how_many(limiter, address, clock.boot(), 10) == 2);
    clock.advance(1h);
    CHECK(how_many(limiter, address, clock.boot(), 10) == 5);
}

TEST_CASE("who asks all the time gets twenty a second") {
    RateLimiter limiter;
    VirtualClock clock;
    int allowed = 0;
    for (int i = 0; i < 10'000; ++i) { // ten seconds, a thousand a second
        allowed += limiter.allow(ip("192.0.2.1"), clock.boot()) ? 1 : 0;
        clock.advance(1ms);
    }
    CHECK(allowed >= 200);
    CHECK(allowed <= 205);
}

TEST_CASE("asking in vain costs nothing") {
    RateLimiter limiter;
    VirtualClock clock;
    CHECK(how_many(limiter, ip("192.0.2.1"), clock.boot(), 100'000) == 5);
    clock.advance(50ms);
    CHECK(how_many(limiter, ip("192.0.2.1"), clock.boot(), 100'000) == 1);
}

TEST_CASE("IPv4 addresses have an allowance each") {
    RateLimiter limiter;
    const VirtualClock clock;
    CHECK(how_many(limiter, ip("192.0.2.1"), clock.boot(), 10) == 5);
    CHECK(how_many(limiter, ip("192.0.2.2"), clock.boot(), 10) == 5);
}

TEST_CASE("all addresses of an IPv6 /64 share one, and the next /64 has its own") {
    RateLimiter limiter;
    const VirtualClock clock;
    SeededRandom random(1);
    int allowed = 0;
    for (int i = 0; i < 100; ++i) {
        ByteVector bytes = random.bytes(16);
        copy(ip("2001:db8:0:1::").bytes().first(8), bytes);
        allowed += limiter.allow(IpAddress::v6(std::span<const std::byte, 16>(bytes.data(), 16)), clock.boot()) ? 1 : 0;
    }
    CHECK(allowed == 5);
    CHECK(how_many(limiter, ip("2001:db8:0:2::1"), clock.boot(), 10) == 5);
    CHECK(how_many(limiter, ip("2001:db8:0:0:ffff::1"), clock.boot(), 10) == 5);
}

TEST_CASE("a flood from 100,000 sources does not grow the table past its bound, and says no instead") {
    RateLimiter limiter;
    VirtualClock clock;
    int allowed = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i) allowed += limiter.allow(v4_number(0x0a000000 + i), clock.boot()) ? 1 : 0;
    CHECK(allowed > 0);
    CHECK(allowed <= 16'384);
    CHECK_FALSE(limiter.allow(ip("192.0.2.1"), clock.boot()));
}

TEST_CASE("who was remembered before the flood keeps the allowance") {
    RateLimiter limiter;
    VirtualClock clock;
    CHECK(limiter.allow(ip("192.0.2.1"), clock.boot()));
    for (std::uint32_t i = 0; i < 100'000; ++i) (void)limiter.allow(v4_number(0x0a000000 + i), clock.boot());
    CHECK(how_many(limiter, ip("192.0.2.1"), clock.boot(), 10) == 4);
}

TEST_CASE("an honest newcomer is served once the flood's idle entries are forgotten") {
    RateLimiter limiter;
    VirtualClock clock;
    for (std::uint32_t i = 0; i < 100'000; ++i) (void)limiter.allow(v4_number(0x0a000000 + i), clock.boot());
    CHECK_FALSE(limiter.allow(ip("192.0.2.1"), clock.boot()));
    clock.advance(250ms); // by now each of those that asked once has its five again
    CHECK(how_many(limiter, ip("192.0.2.1"), clock.boot(), 10) == 5);
}

TEST_CASE("an honest one gets through within a second, most of the times it asks, while the flood goes on") {
    RateLimiter limiter;
    VirtualClock clock;
    SeededRandom random(2);
    bool served = false;
    for (int millisecond = 0; millisecond < 1000; ++millisecond) {
        for (int i = 0; i < 100; ++i) (void)limiter.allow(v4_number(random.next_u32()), clock.boot());
        if (millisecond % 100 == 50) served = limiter.allow(ip("192.0.2.1"), clock.boot()) || served;
        clock.advance(1ms);
    }
    CHECK(served);
}
