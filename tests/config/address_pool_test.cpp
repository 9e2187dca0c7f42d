#include "common/config/address_pool.hpp"

#include "tests/config/samples.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace vpn::config {
namespace {

std::vector<Prefix> prefixes(std::initializer_list<std::string_view> texts) {
    std::vector<Prefix> list;
    for (const std::string_view text : texts) list.push_back(*Prefix::parse(text));
    return list;
}

using Texts = std::initializer_list<std::string_view>;

/// The addresses with a space between, or the failure.
std::string next(Texts networks, Texts own, Texts taken = {}) {
    const auto found = next_free_addresses(prefixes(networks), prefixes(own), prefixes(taken));
    if (!found) return found.error().message;
    std::string text;
    for (const Prefix& prefix : *found) text += (text.empty() ? "" : " ") + prefix.to_string();
    return text;
}

} // namespace

TEST_CASE("the first peer gets the address after the server's, with the same number in IPv6") {
    CHECK(next({"10.66.0.0/24", "fd66::/64"}, {"10.66.0.1/24", "fd66::1/64"}) == "10.66.0.2/32 fd66::2/128");
    CHECK(next({"fd66::/64", "10.66.0.0/24"}, {"10.66.0.1/24", "fd66::1/64"}) == "10.66.0.2/32 fd66::2/128");
    CHECK(next({"10.66.0.0/24"}, {"10.66.0.1/24"}) == "10.66.0.2/32");
    CHECK(next({"fd66::/64"}, {"fd66::1/64"}) == "fd66::2/128");
}

TEST_CASE("gaps are filled, from the server's address on and then from the beginning") {
    CHECK(next({"10.66.0.0/24"}, {"10.66.0.1/24"}, {"10.66.0.2/32", "10.66.0.4/32"}) == "10.66.0.3/32");
    CHECK(next({"10.66.0.0/29"}, {"10.66.0.4/29"}, {"10.66.0.5/32", "10.66.0.6/32"}) == "10.66.0.1/32");
    CHECK(next({"10.66.0.0/24"}, {"10.66.0.254/24"}) == "10.66.0.1/32");
}

TEST_CASE("IPv6 takes its own number where IPv4's is taken") {
    CHECK(next({"10.66.0.0/24", "fd66::/64"}, {"10.66.0.1/24", "fd66::1/64"}, {"fd66::2/128"}) == "10.66.0.2/32 fd66::3/128");
    CHECK(next({"10.66.0.0/24", "fd66::/64"}, {"10.66.0.1/24", "fd66::1/64"}, {"10.66.0.2/32"}) == "10.66.0.3/32 fd66::3/128");
    CHECK(next({"10.66.0.0/24", "fd66::/126"}, {"10.66.0.1/24", "fd66::1/126"}, {"10.66.0.2/32", "10.66.0.3/32"}) ==
          "10.66.0.4/32 fd66::2/128");
}

TEST_CASE("network and broadcast addresses are never given") {
    CHECK(next({"10.66.0.0/30"}, {"10.66.0.1/30"}) == "10.66.0.2/32");
    CHECK(next({"10.66.0.0/30"}, {"10.66.0.1/30"}, {"10.66.0.2/32"}) == "no address is free in 10.66.0.0/30");
    CHECK(next({"10.66.0.0/31"}, {}) == "no address is free in 10.66.0.0/31");
    CHECK(next({"10.66.0.0/32"}, {}) == "no address is free in 10.66.0.0/32");
    CHECK(next({"fd66::/127"}, {}) == "fd66::1/128");
    CHECK(next({"fd66::/128"}, {}) == "no address is free in fd66::/128");
    CHECK(next({"255.255.255.0/24"}, {"255.255.255.253/24"}) == "255.255.255.254/32");
    CHECK(next({"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"}, {}) == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

TEST_CASE("a second network serves when the first is full") {
    CHECK(next({"10.66.0.0/30", "10.67.0.0/24"}, {"10.66.0.1/30"}, {"10.66.0.2/32"}) == "10.67.0.1/32");
    CHECK(next({"10.66.0.0/30", "10.66.1.0/30"}, {"10.66.0.1/30"}, {"10.66.0.2/32", "10.66.1.1/32", "10.66.1.2/32"}) ==
          "no address is free in 10.66.0.0/30, 10.66.1.0/30");
    CHECK(next({"10.66.0.0/30", "fd66::/64"}, {"10.66.0.1/30"}, {"10.66.0.2/32"}) == "no address is free in 10.66.0.0/30");
    CHECK(next({}, {}) == "there is no network to take an address from");
}

TEST_CASE("a network behind a peer is stepped over at once, however large") {
    CHECK(next({"10.66.0.0/16"}, {"10.66.0.1/16"}, {"10.66.0.0/17"}) == "10.66.128.0/32");
    CHECK(next({"10.66.0.0/24"}, {"10.66.0.1/24"}, {"10.66.0.0/25", "10.66.0.128/25"}) == "no address is free in 10.66.0.0/24");
    CHECK(next({"fd66::/64"}, {"fd66::1/64"}, {"fd66::/65"}) == "fd66::8000:0:0:0/128");
    CHECK(next({"fd66::/64"}, {"fd66::1/64"}, {"fd66::/65", "fd66::8000:0:0:0/65"}) == "no address is free in fd66::/64");
    CHECK(next({"fd66::/48"}, {"fd66::1/48"}, {"fd66::/56"}) == "no address is free in fd66::/48"); // 64 bits are searched
}

TEST_CASE("a peer that stands for everything leaves room for the others") {
    CHECK(next({"10.66.0.0/24", "fd66::/64"}, {"10.66.0.1/24", "fd66::1/64"}, {"0.0.0.0/0", "::/0", "10.66.0.0/24"}) ==
          "10.66.0.2/32 fd66::2/128");
}

TEST_CASE("a pool is used up to its last address, and never gives one twice") {
    std::vector<Prefix> taken;
    const auto networks = prefixes({"10.66.0.0/24", "fd66::/120"});
    const auto own = prefixes({"10.66.0.7/24", "fd66::9/120"});
    for (int i = 0; i < 253; ++i) {
        const auto found = next_free_addresses(networks, own, taken);
        REQUIRE(found);
        REQUIRE(found->size() == 2);
        for (const Prefix& prefix : *found) {
            CHECK(std::find(taken.begin(), taken.end(), prefix) == taken.end());
            CHECK(prefix.address() != own[0].address());
            CHECK(prefix.address() != own[1].address());
            CHECK(prefix.bits() == prefix.address().width());
            taken.push_back(prefix);
        }
    }
    CHECK(!next_free_addresses(networks, own, taken));
}

TEST_CASE("a server's file tells what is taken") {
    const auto config = decode_server(samples::server_file(), "s.json");
    REQUIRE(config);
    const auto found = next_free_addresses(*config);
    REQUIRE(found);
    CHECK(*found == prefixes({"10.66.0.4/32", "fd66::4/128"}));
}

} // namespace vpn::config
