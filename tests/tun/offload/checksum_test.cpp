// The internet checksum of RFC 1071 against the plain way: one 16-bit word and one carry after another.
#include "tests/support/seeded_random.hpp"
#include "tests/tun/offload/packet.hpp"
#include "tun/offload/checksum.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::test;
using support::SeededRandom;

namespace {

/// As it would stand in a header.
std::uint16_t folded_as_stored(std::uint64_t sum) {
    ByteArray<2> field{};
    offload::store_sum(field.data(), offload::fold(sum));
    return load_be<std::uint16_t>(field.data());
}

std::uint16_t sum_of(Bytes bytes) { return folded_as_stored(offload::sum_words(bytes)); }

/// Every length from 0 to 300 at every alignment to 16 bytes.
std::size_t wrong_sums_within(Bytes bytes) {
    std::size_t wrong = 0;
    for (std::size_t at = 0; at < 16; ++at)
        for (std::size_t length = 0; length <= 300; ++length)
            wrong += sum_of(bytes.subspan(at, length)) == plain_sum(bytes.subspan(at, length)) ? 0 : 1;
    return wrong;
}

} // namespace

TEST_CASE("the example of RFC 1071, section 3, sums up to ddf2") {
    const ByteArray<8> example{std::byte{0x00}, std::byte{0x01}, std::byte{0xf2}, std::byte{0x03},
                               std::byte{0xf4}, std::byte{0xf5}, std::byte{0xf6}, std::byte{0xf7}};
    CHECK(plain_sum(example) == 0xddf2);
    CHECK(sum_of(example) == 0xddf2);
}

TEST_CASE("bytes of every length at every alignment sum up as word after word does") {
    SUBCASE("random bytes") {
        for (std::uint64_t seed = 0; seed < 20; ++seed) CHECK(wrong_sums_within(SeededRandom(seed).bytes(316)) == 0);
    }
    SUBCASE("all ones, where every word carries") { CHECK(wrong_sums_within(ByteVector(316, std::byte{0xff})) == 0); }
    SUBCASE("zeros") { CHECK(wrong_sums_within(ByteVector(316)) == 0); }
    SUBCASE("a single bit, wherever it is") {
        for (std::size_t bit = 0; bit < 8; ++bit) {
            ByteVector bytes(316);
            bytes[150] = static_cast<std::byte>(1U << bit);
            CHECK(wrong_sums_within(bytes) == 0);
        }
    }
}

TEST_CASE("the longest packets sum up as word after word does") {
    for (const std::size_t length : {1399U, 1400U, 1420U, 9000U, 65534U, 65535U}) {
        CAPTURE(length);
        const ByteVector random = SeededRandom(length).bytes(length);
        CHECK(sum_of(random) == plain_sum(random));
        const ByteVector ones(length, std::byte{0xff});
        CHECK(sum_of(ones) == plain_sum(ones));
    }
}

TEST_CASE("a sum is carried on over parts of even length") {
    SeededRandom random(7);
    for (int i = 0; i < 200; ++i) {
        const ByteVector bytes = random.bytes(random.below(3000));
        const std::size_t cut = random.below(bytes.size() / 2 + 1) * 2;
        const auto first = offload::sum_words(Bytes(bytes).first(cut));
        CHECK(folded_as_stored(offload::sum_words(Bytes(bytes).subspan(cut), first)) == plain_sum(bytes));
    }
}

TEST_CASE("folding keeps the value modulo 65535, and only nothing at all becomes zero") {
    SeededRandom random(3);
    const auto expected = [](std::uint64_t sum) { return sum == 0 ? 0 : (sum % 65535 == 0 ? 65535 : sum % 65535); };
    for (unsigned bits = 0; bits < 64; ++bits) {
        const std::uint64_t power = std::uint64_t{1} << bits;
        for (const std::uint64_t sum : {power, power - 1, power + 1, ~power, 0 - power})
            CHECK(offload::fold(sum) == expected(sum));
        for (int i = 0; i < 100; ++i) {
            const std::uint64_t sum = load_le<std::uint64_t>(random.bytes(8).data()) >> bits;
            CHECK(offload::fold(sum) == expected(sum));
        }
    }
}

TEST_CASE("a number is summed as the word that it would be in a header") {
    std::size_t wrong = 0;
    for (std::size_t number = 0; number <= 0xffff; ++number)
        wrong += folded_as_stored(offload::as_word(number)) == number ? 0 : 1;
    CHECK(wrong == 0);
}

TEST_CASE("the pseudo-header of RFC 9293 3.1 and of RFC 8200 8.1 is summed, of UDP as of TCP") {
    for (const bool v6 : {false, true})
        for (const bool tcp : {false, true})
            for (const std::size_t length : {0U, 1U, 255U, 256U, 1400U, 65000U}) {
                CAPTURE(v6);
                CAPTURE(tcp);
                CAPTURE(length);
                Packet packet{.v6 = v6, .tcp = tcp, .source = 77, .destination = 200};
                packet.payload.resize(length);
                const ByteVector bytes = build(packet);
                const Bytes addresses = v6 ? Bytes(bytes).subspan(8, 32) : Bytes(bytes).subspan(12, 8);
                const std::size_t l4_length = bytes.size() - l4_at(packet);
                const auto sum = offload::pseudo_header_sum(addresses, tcp ? 6 : 17, l4_length);
                CHECK(folded_as_stored(sum) == plain_sum(pseudo_header(packet)));
            }
}
