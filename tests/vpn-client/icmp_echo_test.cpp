#include "vpn-client/icmp_echo.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;

namespace {

ByteVector bytes(std::initializer_list<int> values) {
    ByteVector result;
    for (const int value : values) result.push_back(static_cast<std::byte>(value));
    return result;
}

/// What the other side would send back to `request`.
ByteVector reply_to(Family family, ByteVector request) {
    request[0] = static_cast<std::byte>(family == Family::v4 ? 0 : 129);
    if (family == Family::v4) {
        store_be<std::uint16_t>(&request[2], 0);
        store_be(&request[2], internet_checksum(request));
    }
    return request;
}

} // namespace

TEST_CASE("the checksum is RFC 1071's") {
    CHECK(internet_checksum(bytes({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})) == 0x220d); // its own example, complemented
    CHECK(internet_checksum(bytes({0x12})) == 0xedff); // an odd byte is padded with zero
    CHECK(internet_checksum({}) == 0xffff);
}

TEST_CASE("an echo request is what RFC 792 and RFC 4443 say") {
    const ByteVector v4 = encode_echo_request(Family::v4, {0x1234, 7});
    CHECK(v4[0] == std::byte{8});
    CHECK(v4[1] == std::byte{0});
    CHECK(internet_checksum(v4) == 0);
    CHECK(load_be<std::uint16_t>(&v4[4]) == 0x1234);
    CHECK(load_be<std::uint16_t>(&v4[6]) == 7);
    CHECK(encode_echo_request(Family::v6, {0x1234, 7})[0] == std::byte{128});
}

TEST_CASE("an answer brings identifier and number back") {
    for (const Family family : {Family::v4, Family::v6}) {
        const ByteVector reply = reply_to(family, encode_echo_request(family, {0xabcd, 42}));
        CHECK(decode_echo_reply(family, reply) == Echo{0xabcd, 42});
    }
}

TEST_CASE("what is no answer is none") {
    const ByteVector request = encode_echo_request(Family::v4, {1, 1});
    const ByteVector reply = reply_to(Family::v4, request);
    CHECK_FALSE(decode_echo_reply(Family::v4, request));
    CHECK_FALSE(decode_echo_reply(Family::v6, reply));
    CHECK_FALSE(decode_echo_reply(Family::v4, Bytes(reply).first(7)));
    CHECK_FALSE(decode_echo_reply(Family::v4, {}));
    ByteVector damaged = reply;
    damaged.back() ^= std::byte{1};
    CHECK_FALSE(decode_echo_reply(Family::v4, damaged));
}

TEST_CASE("a raw socket's IPv4 header is passed over, options too") {
    ByteVector packet(20 + 8);
    packet[0] = std::byte{0x45};
    packet[20] = std::byte{0x99};
    CHECK(without_ipv4_header(packet).size() == 8);
    CHECK(without_ipv4_header(packet).front() == std::byte{0x99});
    packet[0] = std::byte{0x46};
    CHECK(without_ipv4_header(packet).size() == 4);
    packet[0] = std::byte{0x4f}; // longer than the packet
    CHECK(without_ipv4_header(packet).empty());
    packet[0] = std::byte{0x44}; // shorter than a header
    CHECK(without_ipv4_header(packet).empty());
    packet[0] = std::byte{0x65};
    CHECK(without_ipv4_header(packet).empty());
    CHECK(without_ipv4_header({}).empty());
}
