// A rate by dropping: a tenth of a second's worth may come at once, and no more than the rate in the long run.
#include "common/protocol/token_bucket.hpp"

#include "tests/support/virtual_clock.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace vpn;
using namespace vpn::protocol;
using namespace vpn::support;
using namespace std::chrono_literals;

namespace {

constexpr BitRate fifty_mbit{50'000'000};

/// Offers packets of 1250 bytes, one every `spacing`, for so long; gives the bytes that passed.
std::size_t offer(TokenBucket& bucket, VirtualClock& clock, Duration spacing, Duration duration) {
    std::size_t passed = 0;
    for (const Boot end = clock.boot() + duration; clock.boot() < end; clock.advance(spacing))
        if (bucket.take(1250, clock.boot())) passed += 1250;
    return passed;
}

} // namespace

TEST_CASE("without a rate everything passes") {
    TokenBucket bucket;
    CHECK_FALSE(bucket.has_rate());
    for (int i = 0; i < 10'000; ++i) CHECK(bucket.take(65'000, Boot(1s)));
}

TEST_CASE("a full bucket lets 100 ms of its rate through at once") {
    VirtualClock clock;
    TokenBucket bucket;
    bucket.set_rate(fifty_mbit);
    std::size_t passed = 0;
    while (bucket.take(1250, clock.boot())) passed += 1250;
    CHECK(passed == 625'000);
}

TEST_CASE("who offers twice the rate gets the rate, and who stays below loses nothing") {
    VirtualClock clock;
    TokenBucket bucket;
    bucket.set_rate(fifty_mbit);
    const std::size_t passed = offer(bucket, clock, 100us, 10s);
    CHECK(passed > 62'500'000 + 625'000 - 2 * 1250); // the first burst on top
    CHECK(passed <= 62'500'000 + 625'000);
    clock.advance(1s);
    CHECK(offer(bucket, clock, 250us, 10s) == 50'000'000);
}

TEST_CASE("an idle bucket fills up, and no further") {
    VirtualClock clock;
    TokenBucket bucket;
    bucket.set_rate(fifty_mbit);
    while (bucket.take(1250, clock.boot())) continue;
    clock.advance(50ms);
    std::size_t half = 0;
    while (bucket.take(1250, clock.boot())) half += 1250;
    CHECK(half == 312'500);
    clock.advance(1h);
    std::size_t full = 0;
    while (bucket.take(1250, clock.boot())) full += 1250;
    CHECK(full == 625'000);
}

TEST_CASE("a slow bucket still holds a batch of packets") {
    const VirtualClock clock;
    TokenBucket bucket;
    bucket.set_rate(BitRate{1000});
    std::size_t passed = 0;
    while (bucket.take(1024, clock.boot())) passed += 1024;
    CHECK(passed == 32'768);
}

TEST_CASE("what is refused takes nothing: a smaller packet still passes") {
    const VirtualClock clock;
    TokenBucket bucket;
    bucket.set_rate(fifty_mbit);
    REQUIRE(bucket.take(624'000, clock.boot()));
    CHECK_FALSE(bucket.take(1250, clock.boot()));
    CHECK(bucket.take(1000, clock.boot()));
}

TEST_CASE("another rate begins with a full bucket, the same again changes nothing, and none lets everything through") {
    const VirtualClock clock;
    TokenBucket bucket;
    bucket.set_rate(fifty_mbit);
    REQUIRE(bucket.take(625'000, clock.boot()));
    bucket.set_rate(fifty_mbit);
    CHECK_FALSE(bucket.take(1250, clock.boot()));
    bucket.set_rate(BitRate{100'000'000});
    CHECK(bucket.take(1'250'000, clock.boot()));
    CHECK_FALSE(bucket.take(1250, clock.boot()));
    bucket.set_rate(std::nullopt);
    CHECK(bucket.take(1'250'000, clock.boot()));
}

TEST_CASE("threads that take at the same time get no more than one would") {
    const VirtualClock clock;
    TokenBucket bucket;
    bucket.set_rate(fifty_mbit);
    std::atomic<std::size_t> passed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 1000; ++k)
                if (bucket.take(1250, clock.boot())) passed.fetch_add(1250);
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(passed.load() == 625'000);
}
