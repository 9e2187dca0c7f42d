#include "vpn-client/icmp_echo.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

#include <algorithm>

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

namespace {

constexpr std::size_t ip_header(Family family) { return family == Family::v4 ? 20 : 40; }
IpAddress here(Family family) { return address(family == Family::v4 ? "10.66.0.2" : "fd66::2"); }
IpAddress there(Family family) { return address(family == Family::v4 ? "10.66.0.1" : "fd66::1"); }

/// What comes back for a packet: the addresses changed places.
ByteVector answer_to(Family family, ByteVector packet) {
    const std::size_t size = family == Family::v4 ? 4 : 16;
    const auto source = packet.begin() + (family == Family::v4 ? 12 : 8);
    std::swap_ranges(source, source + static_cast<std::ptrdiff_t>(size), source + static_cast<std::ptrdiff_t>(size));
    packet[ip_header(family)] = static_cast<std::byte>(family == Family::v4 ? 0 : 129);
    return packet;
}

} // namespace

TEST_CASE("an echo packet has the size asked for, right checksums, and may be fragmented") {
    const ByteVector v4 = encode_echo_packet(here(Family::v4), there(Family::v4), {7, 9}, 1440);
    CHECK(v4.size() == 1440);
    CHECK(load_be<std::uint16_t>(&v4[2]) == 1440);
    CHECK(load_be<std::uint16_t>(&v4[6]) == 0);
    CHECK(internet_checksum(Bytes(v4).first(20)) == 0);
    CHECK(internet_checksum(Bytes(v4).subspan(20)) == 0);
    const ByteVector v6 = encode_echo_packet(here(Family::v6), there(Family::v6), {7, 9}, 1281);
    CHECK(v6.size() == 1281);
    CHECK(load_be<std::uint16_t>(&v6[4]) == 1241);
    ByteVector summed = bytes({0x04, 0xd9, 0, 58}); // the pseudo-header: length and next header, then both addresses
    summed.insert(summed.end(), v6.begin() + 8, v6.end());
    CHECK(internet_checksum(summed) == 0);
}

TEST_CASE("the answer to an echo packet is found in whole packets, cut ones and first fragments") {
    for (const Family family : {Family::v4, Family::v6}) {
        const ByteVector answer = answer_to(family, encode_echo_packet(here(family), there(family), {7, 9}, 1300));
        const EchoReply expected{there(family), {7, 9}};
        CHECK(find_echo_reply(answer) == expected);
        CHECK(find_echo_reply(Bytes(answer).first(ip_header(family) + 8)) == expected);
        CHECK_FALSE(find_echo_reply(Bytes(answer).first(ip_header(family) + 7)));
        CHECK_FALSE(find_echo_reply(encode_echo_packet(here(family), there(family), {7, 9}, 1300)));
    }
    ByteVector v4 = answer_to(Family::v4, encode_echo_packet(here(Family::v4), there(Family::v4), {7, 9}, 100));
    v4[6] = std::byte{0x20}; // more fragments follow
    CHECK(find_echo_reply(v4));
    v4[7] = std::byte{1}; // and others came before
    CHECK_FALSE(find_echo_reply(v4));
    ByteVector v6 = answer_to(Family::v6, encode_echo_packet(here(Family::v6), there(Family::v6), {7, 9}, 100));
    v6[6] = std::byte{44};
    v6.insert(v6.begin() + 40,
              {std::byte{58}, std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}});
    CHECK(find_echo_reply(v6) == EchoReply{there(Family::v6), {7, 9}});
    v6[43] = std::byte{9};
    CHECK_FALSE(find_echo_reply(v6));
    CHECK_FALSE(find_echo_reply({}));
}
