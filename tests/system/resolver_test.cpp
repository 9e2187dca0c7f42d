#include "common/system/resolver.hpp"

#include <doctest/doctest.h>

#include <poll.h>

#include <algorithm>

using namespace vpn;
using namespace vpn::system;
using namespace std::chrono_literals;

namespace {

Endpoint endpoint(std::string_view text) { return Endpoint::parse(text).value(); }

} // namespace

TEST_CASE("an address is its own answer, with the port that was asked for") {
    CHECK(resolve("192.0.2.7", Port{51820}, 1min).value() == std::vector{endpoint("192.0.2.7:51820")});
    CHECK(resolve("2001:db8::7", Port{443}, 1min).value() == std::vector{endpoint("[2001:db8::7]:443")});
}

TEST_CASE("a name has its addresses, none of them twice") {
    auto found = resolve("localhost", Port{1}, 1min);
    REQUIRE(found);
    REQUIRE_FALSE(found->empty());
    for (const Endpoint& one : *found) CHECK(std::ranges::count(*found, one) == 1);
}

TEST_CASE("what can be no name is not found, and no resolver is asked") {
    const auto refused = resolve("a..b", Port{1}, 1min);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ResolveError::Kind::not_found);
    CHECK_FALSE(refused.error().message.empty());
}

TEST_CASE("who has no patience gets no answer, and is told so") {
    const auto refused = resolve("192.0.2.7", Port{1}, 0s);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ResolveError::Kind::timed_out);
}

TEST_CASE("a look-up that nobody waits for any more harms nobody") {
    for (int i = 0; i < 50; ++i) Lookup("192.0.2.7", Port{1});
}

TEST_CASE("a look-up tells when its answer is there") {
    Lookup lookup("192.0.2.7", Port{9});
    pollfd watched{lookup.fd(), POLLIN, 0};
    REQUIRE(::poll(&watched, 1, -1) == 1);
    CHECK(lookup.take().value() == std::vector{endpoint("192.0.2.7:9")});
    CHECK(::poll(&watched, 1, 0) == 0);
}

TEST_CASE("several are looked up beside each other, and each has its own answer, in their order") {
    const auto answers = resolve_all({{"192.0.2.7", Port{1}}, {"a..b", Port{2}}, {"2001:db8::7", Port{3}}}, 1min);
    REQUIRE(answers.size() == 3);
    CHECK(answers[0].value() == std::vector{endpoint("192.0.2.7:1")});
    CHECK_FALSE(answers[1]);
    CHECK(answers[2].value() == std::vector{endpoint("[2001:db8::7]:3")});
    CHECK(resolve_all({}, 1min).empty());
}
