// PROTOCOL 3: 128 packets wait for a handshake, the oldest is dropped for one more, and their order is kept.
#include "common/protocol/staged_packets.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;

namespace {

ByteVector numbered(std::uint32_t number) {
    ByteVector bytes(4);
    store_be(bytes.data(), number);
    return bytes;
}

} // namespace

TEST_CASE("128 packets are kept, in order") {
    StagedPackets staged;
    CHECK(staged.empty());
    for (std::uint32_t i = 0; i < 128; ++i) CHECK(staged.push(numbered(i)));
    CHECK(staged.size() == 128);
    const auto packets = staged.take();
    REQUIRE(packets.size() == 128);
    std::uint32_t next = 0;
    for (const ByteVector& packet : packets) CHECK(packet == numbered(next++));
    CHECK(staged.empty());
}

TEST_CASE("for each one more the oldest goes, and this is said") {
    StagedPackets staged;
    for (std::uint32_t i = 0; i < 128; ++i) CHECK(staged.push(numbered(i)));
    for (std::uint32_t i = 128; i < 200; ++i) CHECK_FALSE(staged.push(numbered(i)));
    const auto packets = staged.take();
    REQUIRE(packets.size() == 128);
    CHECK(packets.front() == numbered(72));
    CHECK(packets.back() == numbered(199));
}

TEST_CASE("what was taken makes room") {
    StagedPackets staged;
    for (std::uint32_t i = 0; i < 128; ++i) (void)staged.push(numbered(i));
    (void)staged.take();
    CHECK(staged.push(numbered(1)));
    CHECK(staged.take().size() == 1);
}

TEST_CASE("a packet is copied: the caller's buffer may change") {
    StagedPackets staged;
    ByteVector buffer = numbered(1);
    (void)staged.push(buffer);
    buffer = numbered(2);
    CHECK(staged.take().front() == numbered(1));
}
