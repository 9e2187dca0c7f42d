// PROTOCOL 3: a counter is accepted once, and never when it is more than 8128 behind the greatest. Held against a plain set.
#include "common/protocol/replay_window.hpp"

#include "tests/support/seeded_random.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace vpn;
using namespace vpn::protocol;
using vpn::support::SeededRandom;

namespace {

/// The rule, without any cleverness.
class PlainWindow {
  public:
    bool accept(std::uint64_t counter) {
        if (counter < greatest_ && greatest_ - counter > 8128) return false;
        greatest_ = std::max(greatest_, counter);
        return seen_.insert(counter).second;
    }
    void forget_old() { seen_.erase(seen_.begin(), seen_.lower_bound(greatest_ > 9000 ? greatest_ - 9000 : 0)); }

  private:
    std::set<std::uint64_t> seen_;
    std::uint64_t greatest_ = 0;
};

/// Both windows, asked the same.
struct Pair {
    ReplayWindow window;
    PlainWindow plain;
    void ask(std::uint64_t counter) {
        const bool expected = plain.accept(counter);
        if (window.accept(counter) != expected) FAIL("counter ", counter, " should be ", expected ? "accepted" : "refused");
    }
};

} // namespace

TEST_CASE("every counter is accepted once, zero too") {
    ReplayWindow window;
    for (std::uint64_t counter = 0; counter < 20'000; ++counter) {
        if (!window.accept(counter)) FAIL("counter ", counter);
        if (window.accept(counter)) FAIL("counter ", counter, " again");
        if (window.greatest() != counter) FAIL("greatest after ", counter);
    }
}

TEST_CASE("zero is accepted after others, as long as it is within reach") {
    for (const std::uint64_t other :
         {std::uint64_t{1}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{8127}, std::uint64_t{8128}}) {
        CAPTURE(other);
        ReplayWindow window;
        CHECK(window.accept(other));
        CHECK(window.accept(0));
        CHECK_FALSE(window.accept(0));
    }
    ReplayWindow window;
    CHECK(window.accept(8129));
    CHECK_FALSE(window.accept(0));
}

TEST_CASE("8127 and 8128 behind the greatest is within reach, 8129 is not, wherever in a word the greatest lies") {
    for (std::uint64_t greatest = 100'000; greatest < 100'000 + 130; ++greatest) {
        CAPTURE(greatest);
        for (const std::uint64_t behind : {std::uint64_t{8126}, std::uint64_t{8127}, std::uint64_t{8128}}) {
            ReplayWindow window;
            REQUIRE(window.accept(greatest));
            CHECK(window.accept(greatest - behind));
            CHECK_FALSE(window.accept(greatest - behind));
            CHECK(window.greatest() == greatest);
        }
        ReplayWindow window;
        REQUIRE(window.accept(greatest));
        CHECK_FALSE(window.accept(greatest - 8129));
        CHECK_FALSE(window.accept(greatest - 8192));
        CHECK_FALSE(window.accept(0));
    }
}

TEST_CASE("a full window refuses all that it has seen and accepts what it hasn't, at every offset") {
    for (std::uint64_t start :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{8191}, std::uint64_t{8192}}) {
        Pair pair;
        for (std::uint64_t i = 0; i < 9000; i += 2) pair.ask(start + i);
        for (std::uint64_t i = 0; i < 9000; ++i) pair.ask(start + i);
    }
}

TEST_CASE("after a jump of any size the window knows what the plain rule knows") {
    for (const std::uint64_t jump : {1ULL, 63ULL, 64ULL, 65ULL, 8063ULL, 8064ULL, 8127ULL, 8128ULL, 8129ULL, 8191ULL, 8192ULL,
                                     8193ULL, 16'384ULL, 1ULL << 32U, 1ULL << 60U}) {
        CAPTURE(jump);
        Pair pair;
        for (std::uint64_t i = 0; i < 8200; ++i) pair.ask(1000 + i);
        const std::uint64_t far = 9199 + jump;
        pair.ask(far);
        for (std::uint64_t behind = 0; behind < 8300 && behind <= far; ++behind) pair.ask(far - behind);
    }
}

TEST_CASE("near the end of the numbers nothing wraps") {
    const std::uint64_t end = UINT64_MAX;
    Pair pair;
    pair.ask(end - 8129);
    pair.ask(end);
    pair.ask(end);
    for (std::uint64_t behind = 0; behind < 8300; ++behind) pair.ask(end - behind);
    pair.ask(0);
    pair.ask(1);
    CHECK(pair.window.greatest() == end);
}

TEST_CASE("random trains of counters, with loss, reordering, duplicates and jumps, are judged as by the plain rule") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        SeededRandom random(seed);
        Pair pair;
        std::uint64_t head = seed == 8 ? UINT64_MAX - 400'000 : random.below(20'000);
        for (int i = 0; i < 50'000; ++i) {
            switch (random.below(20)) {
            case 0: pair.ask(head - std::min(head, random.below(8300))); break;      // late, perhaps too late
            case 1: pair.ask(head); break;                                           // twice
            case 2: head += random.below(200); break;                                // lost
            case 3: pair.ask(head - std::min(head, 8120 + random.below(16))); break; // at the edge
            default:
                pair.ask(head - std::min(head, random.below(4)));
                head += 1;
                break; // a little out of order
            }
            if (random.below(5000) == 0 && seed != 8) head += random.below(std::uint64_t{1} << 40U);
            if (i % 1000 == 0) pair.plain.forget_old();
        }
    }
}
