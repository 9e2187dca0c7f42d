// PROTOCOL 2: session indices are unique among live ones; above the table's slot they are random.
#include "common/protocol/index_table.hpp"

#include "tests/support/seeded_random.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace vpn;
using namespace vpn::protocol;
using vpn::support::SeededRandom;

TEST_CASE("an index is found under its owner until it is given back") {
    SeededRandom random(1);
    IndexTable table;
    const auto index = table.take(PeerId{7}, random);
    REQUIRE(index.has_value());
    CHECK(table.find(*index) == PeerId{7});
    CHECK(table.size() == 1);
    table.release(*index);
    CHECK(table.find(*index) == std::nullopt);
    CHECK(table.size() == 0);
}

TEST_CASE("only the very index is found, not another with the same slot") {
    SeededRandom random(2);
    IndexTable table;
    const LocalIndex index = *table.take(PeerId{7}, random);
    for (unsigned bit = 0; bit < 32; ++bit) CHECK(table.find(LocalIndex{index.value ^ 1U << bit}) == std::nullopt);
}

TEST_CASE("giving back what is not there, or not any more, changes nothing") {
    SeededRandom random(3);
    IndexTable table;
    const LocalIndex index = *table.take(PeerId{7}, random);
    table.release(LocalIndex{index.value ^ 1U << 31U});
    table.release(LocalIndex{12345});
    CHECK(table.find(index) == PeerId{7});
    table.release(index);
    table.release(index);
    CHECK(table.size() == 0);
    const LocalIndex one = *table.take(PeerId{8}, random);
    const LocalIndex two = *table.take(PeerId{9}, random);
    CHECK(table.find(one) == PeerId{8});
    CHECK(table.find(two) == PeerId{9});
}

TEST_CASE("live indices and their slots are unique, whatever was taken and given back") {
    SeededRandom random(4);
    IndexTable table;
    std::vector<std::pair<LocalIndex, PeerId>> live;
    for (std::uint32_t step = 0; step < 50'000; ++step) {
        if (!live.empty() && random.chance(45)) {
            const std::size_t which = random.below(live.size());
            table.release(live[which].first);
            if (table.find(live[which].first)) FAIL("a released index is still there");
            live[which] = live.back();
            live.pop_back();
        } else {
            const auto index = table.take(PeerId{step}, random);
            REQUIRE(index.has_value());
            live.emplace_back(*index, PeerId{step});
        }
    }
    std::set<std::uint32_t> slots;
    for (const auto& [index, owner] : live) {
        slots.insert(index.value & 0xfffffU);
        CHECK(table.find(index) == owner);
    }
    CHECK(slots.size() == live.size());
    CHECK(table.size() == live.size());
}

TEST_CASE("a slot rests before it serves again") {
    SeededRandom random(5);
    IndexTable table;
    const LocalIndex first = *table.take(PeerId{1}, random);
    table.release(first);
    for (int i = 0; i < 64; ++i) {
        const LocalIndex next = *table.take(PeerId{2}, random);
        CHECK(slot_of(next) != slot_of(first));
        table.release(next);
    }
}

TEST_CASE("what lies above the slot is random") {
    SeededRandom random(6);
    IndexTable table;
    std::set<std::uint32_t> above;
    for (int i = 0; i < 1000; ++i) above.insert(table.take(PeerId{1}, random)->value >> 20U);
    CHECK(above.size() > 700); // of 4096: about 890 are expected
}

TEST_CASE("2^20 indices can live, one more can't, and one given back can be taken again") {
    SeededRandom random(7);
    IndexTable table;
    std::optional<LocalIndex> some;
    for (std::uint32_t i = 0; i < 1U << 20U; ++i) {
        some = table.take(PeerId{1}, random);
        if (!some) FAIL("none left after ", i);
    }
    CHECK_FALSE(table.take(PeerId{2}, random).has_value());
    table.release(*some);
    const auto again = table.take(PeerId{2}, random);
    REQUIRE(again.has_value());
    CHECK(table.find(*again) == PeerId{2});
    CHECK_FALSE(table.take(PeerId{2}, random).has_value());
}
