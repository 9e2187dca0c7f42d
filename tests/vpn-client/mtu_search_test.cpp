#include "vpn-client/mtu_search.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace vpn;
using namespace vpn::client;
using namespace std::chrono_literals;

namespace {

constexpr Boot start{1h};
constexpr Duration round_trip = 20ms;

/// A way that carries so much, and loses probes that it is told to lose.
struct Way {
    std::uint32_t carries;
    unsigned lost_rounds = 0;
    unsigned rounds = 0;
    std::size_t probes = 0;
    Boot now = start;

    MtuSearch search(std::vector<std::uint32_t> sizes) {
        MtuSearch search(std::move(sizes));
        while (!search.over()) {
            const auto sent = search.handle_time(now);
            probes += sent.size();
            const bool lost = rounds < lost_rounds;
            rounds += sent.empty() ? 0 : 1;
            if (!lost)
                for (const std::uint32_t size : sent)
                    if (size <= carries) search.handle_answer(size, now + round_trip);
            if (const auto deadline = search.next_deadline()) now = *deadline;
        }
        return search;
    }
};

} // namespace

TEST_CASE("a way as wide as the link is found in one round trip") {
    Way way{1500};
    CHECK(way.search(sizes_up_to(1500)).found() == 1500);
    CHECK(way.rounds == 1);
    CHECK(way.now == start);
}

TEST_CASE("a narrow way is found to the step below it") {
    for (const auto& [carries, found] : {std::pair{1492U, 1492U}, {1491U, 1480U}, {1400U, 1400U}, {1281U, 1280U}, {700U, 576U}}) {
        Way way{carries};
        CHECK(way.search(sizes_up_to(1500)).found() == found);
        CHECK(way.now - start < 1s);
    }
}

TEST_CASE("two lost rounds narrow nothing") {
    Way way{1500, 2};
    CHECK(way.search(sizes_up_to(1500)).found() == 1500);
    CHECK(way.rounds == 3);
}

TEST_CASE("whatever was answered is not asked again") {
    MtuSearch search(sizes_up_to(1500));
    CHECK(search.handle_time(start).size() == sizes_up_to(1500).size());
    search.handle_answer(1420, start + round_trip);
    CHECK(search.handle_time(start + round_trip).empty());
    const auto again = search.handle_time(*search.next_deadline());
    CHECK(again == std::vector<std::uint32_t>{1440, 1460, 1472, 1480, 1492, 1500});
}

TEST_CASE("where nobody answers nothing is found, and the search ends") {
    Way way{0};
    CHECK_FALSE(way.search(sizes_up_to(1500)).found());
    CHECK(way.rounds == 3);
    CHECK(way.now - start <= 4s);
}

TEST_CASE("an answer on a long way is waited for") {
    MtuSearch search({576, 1500});
    static_cast<void>(search.handle_time(start));
    search.handle_answer(576, start + 450ms);
    static_cast<void>(search.handle_time(start + 500ms));
    CHECK(*search.next_deadline() >= start + 500ms + 450ms);
    search.handle_answer(1500, start + 950ms);
    CHECK(search.over());
    CHECK_FALSE(search.next_deadline());
}

TEST_CASE("the sizes ascend to what the link sends, jumbo frames too, and never beyond") {
    for (const std::uint32_t link : {576U, 1280U, 1300U, 1490U, 1500U, 9000U}) {
        const auto sizes = sizes_up_to(link);
        CHECK(sizes.back() == link);
        CHECK(sizes.front() == 576);
        CHECK(std::ranges::adjacent_find(sizes, std::ranges::greater_equal()) == sizes.end());
    }
    CHECK(sizes_up_to(68) == std::vector<std::uint32_t>{576});
}
