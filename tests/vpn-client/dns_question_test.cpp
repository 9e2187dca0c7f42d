#include "vpn-client/dns_question.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;

TEST_CASE("the question asks for the root's name servers") {
    const ByteVector question = encode_dns_question(0xbeef);
    REQUIRE(question.size() == 17);
    CHECK(load_be<std::uint16_t>(&question[0]) == 0xbeef);
    CHECK(load_be<std::uint16_t>(&question[2]) == 0x0100); // recursion desired, nothing else
    CHECK(load_be<std::uint16_t>(&question[4]) == 1);
    CHECK(question[12] == std::byte{0});
    CHECK(load_be<std::uint16_t>(&question[13]) == 2); // NS
    CHECK(load_be<std::uint16_t>(&question[15]) == 1); // IN
}

TEST_CASE("any answer will do, but it must be one, and ours") {
    ByteVector answer = encode_dns_question(0xbeef);
    CHECK_FALSE(is_dns_answer(answer, 0xbeef));
    answer[2] |= std::byte{0x80};
    CHECK(is_dns_answer(answer, 0xbeef));
    CHECK_FALSE(is_dns_answer(answer, 0xbeee));
    answer[3] = std::byte{5}; // refused
    CHECK(is_dns_answer(answer, 0xbeef));
    CHECK_FALSE(is_dns_answer(Bytes(answer).first(11), 0xbeef));
    CHECK_FALSE(is_dns_answer({}, 0));
}
