#include "tun/lanes.hpp"

#include <doctest/doctest.h>

#include <vector>

using vpn::store_be;
using vpn::tun::Lanes;

namespace {

Lanes lane_of(std::uint32_t address, std::uint64_t port = 0) {
    vpn::ByteArray<4> bytes{};
    store_be(bytes.data(), address);
    Lanes lanes;
    lanes.add(bytes, port);
    return lanes;
}

/// How many lanes they have between them.
template <class Name> std::size_t spread(std::uint32_t count, Name name) {
    std::vector<Lanes> different;
    for (std::uint32_t i = 0; i < count; ++i)
        if (const Lanes lanes = name(i); std::ranges::find(different, lanes) == different.end()) different.push_back(lanes);
    return different.size();
}

} // namespace

TEST_CASE("the same name has the same lane, and sets share what is in both") {
    const Lanes one = lane_of(0x0a000001);
    const Lanes other = lane_of(0x0a000002);
    CHECK(one == lane_of(0x0a000001));
    CHECK(one.share(one));
    CHECK_FALSE(one.share(other));
    Lanes both = one;
    both |= other;
    CHECK(both.share(one));
    CHECK(both.share(other));
    CHECK_FALSE(Lanes().share(both));
    CHECK(Lanes::all().share(one));
    CHECK_FALSE(Lanes::all().share(Lanes()));
}

TEST_CASE("all lanes fall into equal parts, of which two sets may share some") {
    const std::size_t parts = 4;
    Lanes lanes;
    const std::size_t part = Lanes::part_of(lanes.add({}, 7), parts);
    for (std::size_t i = 0; i < parts; ++i) {
        CHECK(lanes.any_in({i, parts}) == (i == part));
        CHECK(lanes.share(Lanes::all(), {i, parts}) == (i == part));
    }
    Lanes other;
    other.add_part(Lanes::all(), {(part + 1) % parts, parts});
    CHECK_FALSE(other.share(lanes));
    other.add_part(Lanes::all(), {part, parts});
    CHECK(other.share(lanes));
    for (std::size_t i = 0; i < parts; ++i) other.add_part(Lanes::all(), {i, parts});
    CHECK(other == Lanes::all());
    CHECK(Lanes::part_of(0, parts) == 0);
    CHECK(Lanes::part_of(255, parts) == 0);
    CHECK(Lanes::part_of(256, parts) == 1);
    CHECK(Lanes::part_of(1023, parts) == 3);
}

TEST_CASE("neighbours have different lanes: addresses of one net, ports of one NAT, hosts of one IPv6 prefix") {
    // As many as lanes at random would meet 1024 * (1 - 1/e) = 647 of them.
    CHECK(spread(Lanes::count, [](std::uint32_t i) { return lane_of(0x0a420000 + i); }) > 560);
    CHECK(spread(Lanes::count, [](std::uint32_t i) { return lane_of(0x0a000001 + (i << 16U)); }) > 560);
    CHECK(spread(Lanes::count, [](std::uint32_t i) { return lane_of(0xc6336407, 40000 + i); }) > 560);
    CHECK(spread(Lanes::count, [](std::uint32_t i) {
              vpn::ByteArray<16> address{};
              store_be(address.data(), 0xfd660000U);
              store_be(address.data() + 12, i);
              Lanes lanes;
              lanes.add(address);
              return lanes;
          }) > 560);
}
