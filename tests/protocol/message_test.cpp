// PROTOCOL 1: the messages of both suites, byte by byte. The numbers here are the paper's and the specification's, not ours.
#include "common/protocol/message.hpp"

#include "tests/support/seeded_random.hpp"
#include "tests/vectors/hex.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::protocol;
using vpn::support::SeededRandom;
using vpn::vectors::pattern;

namespace {

/// `size` bytes that tell their place, with a type in front.
ByteVector datagram(std::size_t size, std::uint32_t type) {
    ByteVector bytes = pattern(size, 1, 0);
    if (size >= 4) store_le(bytes.data(), type);
    return bytes;
}

/// True if `field` is bytes `offset` to `offset + size` of `message`.
template <class Byte> bool lies_at(std::span<Byte> field, const ByteVector& message, std::size_t offset, std::size_t size) {
    return field.data() == message.data() + offset && field.size() == size;
}

/// True if a datagram of this type may have this size.
bool is_right_size(std::uint32_t type, std::size_t size) {
    switch (type) {
    case 1: return size == 148;
    case 2: return size == 92;
    case 3: return size == 64;
    case 4: return size >= 32; // of suite hybrid 48, as its session knows
    case 5: return size == 1396;
    case 6: return size == 1228;
    default: return false;
    }
}

/// What a decoded message is: its suite, and which of initiation, response, cookie reply and data.
std::uint32_t type_of(const MessageView& message) {
    if (const auto* view = std::get_if<InitiationView>(&message)) return view->suite == Suite::hybrid ? 5 : 1;
    if (const auto* view = std::get_if<ResponseView>(&message)) return view->suite == Suite::hybrid ? 6 : 2;
    return std::holds_alternative<CookieReplyView>(message) ? 3 : 4;
}

} // namespace

TEST_CASE(
    "a datagram is taken only if its type and its length belong together, at every length from 0 to 2000 and some huge ones") {
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size <= 2000; ++size) sizes.push_back(size);
    sizes.insert(sizes.end(), {4096, 9000, 65'507, 65'535, 1'000'000});
    for (const std::size_t size : sizes) {
        for (std::uint32_t type = 0; type < 256; ++type) {
            const ByteVector bytes = datagram(size, type);
            const auto message = decode(bytes);
            const bool taken = size >= 4 && is_right_size(type, size);
            if (message.has_value() != taken) FAIL("type ", type, ", ", size, " bytes");
            if (taken && type_of(*message) != type) FAIL("type ", type, " taken for another");
            if (!taken && message.error() != Drop::malformed) FAIL("type ", type, ", ", size, " bytes: another reason");
        }
    }
}

TEST_CASE("a reserved byte that is not zero makes a message unknown") {
    const std::size_t sizes[] = {148, 92, 64, 32, 1452, 1396, 1228};
    const std::uint32_t types[] = {1, 2, 3, 4, 4, 5, 6};
    for (std::size_t i = 0; i < 7; ++i) {
        for (std::size_t reserved = 1; reserved < 4; ++reserved) {
            for (unsigned value = 1; value < 256; ++value) {
                ByteVector bytes = datagram(sizes[i], types[i]);
                REQUIRE(decode(bytes).has_value());
                bytes[reserved] = static_cast<std::byte>(value);
                if (decode(bytes)) FAIL("type ", types[i], " with byte ", reserved, " = ", value);
            }
        }
    }
}

TEST_CASE("the fields of an initiation lie where the paper puts them") {
    const ByteVector bytes = datagram(148, 1);
    const auto message = decode(bytes);
    REQUIRE(message.has_value());
    const auto& initiation = std::get<InitiationView>(*message);
    CHECK(initiation.sender() == 0x07060504);
    CHECK(lies_at(initiation.ephemeral(), bytes, 8, 32));
    CHECK(initiation.sealed_kem_key().empty());
    CHECK(lies_at(initiation.sealed_static(), bytes, 40, 48));
    CHECK(lies_at(initiation.sealed_timestamp(), bytes, 88, 28));
    CHECK(lies_at(initiation.macs().mac1(), bytes, 116, 16));
    CHECK(lies_at(initiation.macs().mac2(), bytes, 132, 16));
    CHECK(lies_at(initiation.macs().before_mac1(), bytes, 0, 116));
    CHECK(lies_at(initiation.macs().before_mac2(), bytes, 0, 132));
}

TEST_CASE("the fields of a response lie where the paper puts them") {
    const ByteVector bytes = datagram(92, 2);
    const auto message = decode(bytes);
    REQUIRE(message.has_value());
    const auto& response = std::get<ResponseView>(*message);
    CHECK(response.sender() == 0x07060504);
    CHECK(response.receiver() == 0x0b0a0908);
    CHECK(lies_at(response.ephemeral(), bytes, 12, 32));
    CHECK(response.sealed_kem_ciphertext().empty());
    CHECK(lies_at(response.sealed_empty(), bytes, 44, 16));
    CHECK(lies_at(response.macs().mac1(), bytes, 60, 16));
    CHECK(lies_at(response.macs().mac2(), bytes, 76, 16));
    CHECK(lies_at(response.macs().before_mac1(), bytes, 0, 60));
    CHECK(lies_at(response.macs().before_mac2(), bytes, 0, 76));
}

TEST_CASE("the fields of a hybrid initiation lie where PROTOCOL puts them, one behind the other without a gap") {
    const ByteVector bytes = datagram(1396, 5);
    const auto message = decode(bytes);
    REQUIRE(message.has_value());
    const auto& initiation = std::get<InitiationView>(*message);
    CHECK(initiation.suite == Suite::hybrid);
    CHECK(initiation.sender() == 0x07060504);
    CHECK(lies_at(initiation.ephemeral(), bytes, 8, 32));
    CHECK(lies_at(initiation.sealed_kem_key(), bytes, 40, 1184 + 32));
    CHECK(lies_at(initiation.sealed_static(), bytes, 1256, 32 + 32));
    CHECK(lies_at(initiation.sealed_timestamp(), bytes, 1320, 12 + 32));
    CHECK(lies_at(initiation.macs().mac1(), bytes, 1364, 16));
    CHECK(lies_at(initiation.macs().mac2(), bytes, 1380, 16));
    CHECK(lies_at(initiation.macs().before_mac1(), bytes, 0, 1364));
    CHECK(lies_at(initiation.macs().before_mac2(), bytes, 0, 1380));
}

TEST_CASE("the fields of a hybrid response lie where PROTOCOL puts them, one behind the other without a gap") {
    const ByteVector bytes = datagram(1228, 6);
    const auto message = decode(bytes);
    REQUIRE(message.has_value());
    const auto& response = std::get<ResponseView>(*message);
    CHECK(response.suite == Suite::hybrid);
    CHECK(response.sender() == 0x07060504);
    CHECK(response.receiver() == 0x0b0a0908);
    CHECK(lies_at(response.ephemeral(), bytes, 12, 32));
    CHECK(lies_at(response.sealed_kem_ciphertext(), bytes, 44, 1088 + 32));
    CHECK(lies_at(response.sealed_empty(), bytes, 1164, 32));
    CHECK(lies_at(response.macs().mac1(), bytes, 1196, 16));
    CHECK(lies_at(response.macs().mac2(), bytes, 1212, 16));
    CHECK(lies_at(response.macs().before_mac1(), bytes, 0, 1196));
    CHECK(lies_at(response.macs().before_mac2(), bytes, 0, 1212));
}

TEST_CASE("the sizes of both suites are the specification's") {
    CHECK(initiation_size(Suite::wireguard) == 148);
    CHECK(response_size(Suite::wireguard) == 92);
    CHECK(data_overhead(Suite::wireguard) == 32);
    CHECK(initiation_size(Suite::hybrid) == 1396);
    CHECK(response_size(Suite::hybrid) == 1228);
    CHECK(data_overhead(Suite::hybrid) == 48);
    CHECK(data_overhead_max == 48);
}

TEST_CASE("the fields of a cookie reply lie where the paper puts them") {
    const ByteVector bytes = datagram(64, 3);
    const auto message = decode(bytes);
    REQUIRE(message.has_value());
    const auto& reply = std::get<CookieReplyView>(*message);
    CHECK(reply.receiver() == 0x07060504);
    CHECK(lies_at(reply.nonce(), bytes, 8, 24));
    CHECK(lies_at(reply.sealed_cookie(), bytes, 32, 32));
}

TEST_CASE("the fields of a data message lie where the paper puts them") {
    for (const std::size_t size : {std::size_t{32}, std::size_t{33}, std::size_t{1452}, std::size_t{65'507}}) {
        const ByteVector bytes = datagram(size, 4);
        const auto message = decode(bytes);
        REQUIRE(message.has_value());
        const auto& data = std::get<DataView>(*message);
        CHECK(data.receiver() == 0x07060504);
        CHECK(data.counter() == 0x0f0e0d0c0b0a0908);
        CHECK(lies_at(data.sealed(), bytes, 16, size - 16));
    }
}

TEST_CASE("what is encoded has its type and indices in place and zeros everywhere else") {
    ByteVector initiation(148, std::byte{0xee});
    encode_initiation(Suite::wireguard, initiation, LocalIndex{0x11223344});
    CHECK(format_hex(Bytes(initiation).first(8)) == "0100000044332211");
    CHECK(Bytes(initiation).subspan(8).size() == 140);
    CHECK(std::all_of(initiation.begin() + 8, initiation.end(), [](std::byte b) { return b == std::byte{0}; }));

    ByteVector hybrid(1396, std::byte{0xee});
    encode_initiation(Suite::hybrid, hybrid, LocalIndex{0x11223344});
    CHECK(format_hex(Bytes(hybrid).first(8)) == "0500000044332211");
    CHECK(std::all_of(hybrid.begin() + 8, hybrid.end(), [](std::byte b) { return b == std::byte{0}; }));

    ByteVector response(92, std::byte{0xee});
    encode_response(Suite::wireguard, response, LocalIndex{0x11223344}, RemoteIndex{0x55667788});
    CHECK(format_hex(Bytes(response).first(12)) == "020000004433221188776655");
    CHECK(std::all_of(response.begin() + 12, response.end(), [](std::byte b) { return b == std::byte{0}; }));

    hybrid.assign(1228, std::byte{0xee});
    encode_response(Suite::hybrid, hybrid, LocalIndex{0x11223344}, RemoteIndex{0x55667788});
    CHECK(format_hex(Bytes(hybrid).first(12)) == "060000004433221188776655");
    CHECK(std::all_of(hybrid.begin() + 12, hybrid.end(), [](std::byte b) { return b == std::byte{0}; }));

    ByteVector reply(64, std::byte{0xee});
    encode_cookie_reply(reply, RemoteIndex{0x55667788});
    CHECK(format_hex(Bytes(reply).first(8)) == "0300000088776655");
    CHECK(std::all_of(reply.begin() + 8, reply.end(), [](std::byte b) { return b == std::byte{0}; }));

    ByteVector data(40, std::byte{0xee});
    encode_data_header(data, RemoteIndex{0x55667788}, 0x0102030405060708);
    CHECK(format_hex(Bytes(data).first(16)) == "04000000887766550807060504030201");
    CHECK(std::all_of(data.begin() + 16, data.end(), [](std::byte b) { return b == std::byte{0xee}; }));
}

TEST_CASE("what is encoded is decoded to the same") {
    SeededRandom random(1);
    for (int i = 0; i < 1000; ++i) {
        const std::uint32_t sender = random.next_u32();
        const std::uint32_t receiver = random.next_u32();
        const std::uint64_t counter = random.next_u64();
        ByteVector response(92);
        encode_response(Suite::wireguard, response, LocalIndex{sender}, RemoteIndex{receiver});
        const auto view = decode(response);
        REQUIRE(view.has_value());
        CHECK(std::get<ResponseView>(*view).sender() == sender);
        CHECK(std::get<ResponseView>(*view).receiver() == receiver);
        ByteVector data(32);
        encode_data_header(data, RemoteIndex{receiver}, counter);
        CHECK(std::get<DataView>(*decode(data)).receiver() == receiver);
        CHECK(std::get<DataView>(*decode(data)).counter() == counter);
    }
}

TEST_CASE("a packet is padded to the next multiple of 16, but never past the tunnel's MTU, and never cut") {
    for (const std::size_t mtu : {std::size_t{1280}, std::size_t{1420}, std::size_t{1421}, std::size_t{9000}}) {
        for (std::size_t size = 0; size <= mtu + 40; ++size) {
            const std::size_t padded = padded_size(size, mtu);
            if (padded < size) FAIL(size, " bytes were cut to ", padded);
            if (padded - size >= 16) FAIL(size, " bytes were padded by 16 or more");
            if (size <= mtu && padded > mtu) FAIL(size, " bytes were padded past the MTU ", mtu);
            if (padded % 16 != 0 && padded != mtu && size <= mtu) FAIL(size, " bytes were padded to ", padded);
        }
    }
    CHECK(padded_size(0, 1420) == 0);
    CHECK(padded_size(1, 1420) == 16);
    CHECK(padded_size(16, 1420) == 16);
    CHECK(padded_size(1409, 1420) == 1420);
    CHECK(padded_size(1500, 1420) == 1500);
}
