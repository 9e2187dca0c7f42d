#include "tun/send_buffer.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using tun::SendBuffer;

namespace {

const Path near{*Endpoint::parse("192.0.2.1:51820"), {}};
const Path far{*Endpoint::parse("192.0.2.2:51820"), {}};
const Path six{*Endpoint::parse("[2001:db8::1]:51820"), {}};

void put(SendBuffer& buffer, std::size_t size, const Path& path = near, Ecn ecn = Ecn::not_capable) {
    std::fill_n(buffer.next(size).data(), size, static_cast<std::byte>(size));
    buffer.add(size, path, ecn);
}

/// How many datagrams each run of the family has.
std::vector<std::size_t> counts(const SendBuffer& buffer, Family family = Family::v4) {
    std::vector<std::size_t> all;
    for (const auto& run : buffer.runs(family)) all.push_back(run.count());
    return all;
}

} // namespace

TEST_CASE("neighbours of one size to one place go as one, and the last may be shorter") {
    SendBuffer buffer(10'000);
    for (int i = 0; i < 3; ++i) put(buffer, 1000);
    put(buffer, 400);
    CHECK(counts(buffer) == std::vector<std::size_t>{4});
    CHECK(buffer.runs(Family::v4)[0].segment_size == 1000);
    CHECK(buffer.runs(Family::v4)[0].bytes.size() == 3400);
    put(buffer, 400); // after the shorter one nothing follows
    CHECK(counts(buffer) == std::vector<std::size_t>{4, 1});
    CHECK(buffer.runs(Family::v4)[1].segment_size == 0); // alone: no segments
}

TEST_CASE("a longer one begins a run of its own") {
    SendBuffer buffer(10'000);
    put(buffer, 400);
    put(buffer, 1000);
    CHECK(counts(buffer) == std::vector<std::size_t>{1, 1});
}

TEST_CASE("another place, another local address and another mark each begin a run") {
    SendBuffer buffer(10'000);
    Path other_source = near;
    other_source.local = {*IpAddress::parse("192.0.2.9"), 3};
    put(buffer, 100);
    put(buffer, 100, far);
    put(buffer, 100, other_source);
    put(buffer, 100, other_source, Ecn::capable_0);
    put(buffer, 100, other_source, Ecn::capable_0);
    CHECK(counts(buffer) == std::vector<std::size_t>{1, 1, 1, 2});
}

TEST_CASE("families are kept apart, and what lies between two of one family parts them") {
    SendBuffer buffer(10'000);
    put(buffer, 100);
    put(buffer, 100, six);
    put(buffer, 100);
    CHECK(counts(buffer, Family::v4) == std::vector<std::size_t>{1, 1});
    CHECK(counts(buffer, Family::v6) == std::vector<std::size_t>{1});
}

TEST_CASE("a run ends at 64 datagrams and at 65,473 bytes") {
    SendBuffer many(100 * 100);
    for (int i = 0; i < 100; ++i) put(many, 100);
    CHECK(counts(many) == std::vector<std::size_t>{64, 36});
    SendBuffer large(100 * 1452);
    for (int i = 0; i < 100; ++i) put(large, 1452);
    CHECK(counts(large) == std::vector<std::size_t>{45, 45, 10});
    SendBuffer edge(4 * 16'369); // 65,476
    for (int i = 0; i < 4; ++i) put(edge, 16'369);
    CHECK(counts(edge) == std::vector<std::size_t>{3, 1});
}

TEST_CASE("cleared, all its room is there again") {
    SendBuffer buffer(1000);
    put(buffer, 600);
    CHECK(buffer.room() == 400);
    buffer.clear();
    CHECK(buffer.room() == 1000);
    CHECK(buffer.empty());
    CHECK(counts(buffer).empty());
    put(buffer, 600); // not joined to what was there before
    CHECK(counts(buffer) == std::vector<std::size_t>{1});
}
