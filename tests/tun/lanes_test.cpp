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
