#include "common/base/prefix_difference.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

using namespace vpn;

namespace {

std::vector<Prefix> prefixes(const std::vector<std::string>& texts) {
    std::vector<Prefix> list;
    for (const std::string& text : texts) list.push_back(*Prefix::parse(text));
    return list;
}

std::vector<std::string> difference(const std::vector<std::string>& listed, const std::vector<std::string>& excluded) {
    std::vector<std::string> texts;
    for (const Prefix& prefix : prefix_difference(prefixes(listed), prefixes(excluded))) texts.push_back(prefix.to_string());
    return texts;
}

using Texts = std::vector<std::string>;

/// The last byte of addresses that agree in all else.
IpAddress neighbour(Family family, unsigned last) {
    if (family == Family::v4) return IpAddress::v4(ByteArray<4>{std::byte{192}, std::byte{0}, std::byte{2}, std::byte(last)});
    ByteArray<16> bytes{std::byte{0x20}, std::byte{1}};
    bytes[15] = std::byte(last);
    return IpAddress::v6(bytes);
}

/// 256 neighbours, each by itself.
using Chosen = std::array<bool, 256>;

bool holds(const std::vector<Prefix>& list, const IpAddress& address) {
    return std::ranges::any_of(list, [&address](const Prefix& prefix) { return prefix.contains(address); });
}

/// The least number of prefixes for the neighbours from `first` to `first + size`, by asking each.
std::size_t least(const Chosen& chosen, std::size_t first, std::size_t size) {
    const auto begin = chosen.begin() + static_cast<std::ptrdiff_t>(first);
    const auto in = static_cast<std::size_t>(std::count(begin, begin + static_cast<std::ptrdiff_t>(size), true));
    if (in == 0 || in == size) return in == 0 ? 0 : 1;
    return least(chosen, first, size / 2) + least(chosen, first + size / 2, size / 2);
}

} // namespace

TEST_CASE("what is excluded is gone, and the rest is said in as few prefixes as can be") {
    CHECK(difference({"0.0.0.0/0"}, {"192.168.0.0/16"}) ==
          Texts{"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/9", "192.128.0.0/11", "192.160.0.0/13", "192.169.0.0/16", "192.170.0.0/15",
                "192.172.0.0/14", "192.176.0.0/12", "192.192.0.0/10", "193.0.0.0/8", "194.0.0.0/7", "196.0.0.0/6", "200.0.0.0/5",
                "208.0.0.0/4", "224.0.0.0/3"});
    CHECK(difference({"10.0.0.0/8"}, {"10.0.0.0/9"}) == Texts{"10.128.0.0/9"});
    CHECK(difference({"10.0.0.0/30"}, {"10.0.0.1/32"}) == Texts{"10.0.0.0/32", "10.0.0.2/31"});
    CHECK(difference({"fd66::/126"}, {"fd66::3/128"}) == Texts{"fd66::/127", "fd66::2/128"});
    CHECK(difference({"10.0.0.0/9", "10.128.0.0/9"}, {}) == Texts{"10.0.0.0/8"});
    CHECK(difference({"10.0.0.7/8", "10.1.0.0/16"}, {"192.168.0.0/16"}) == Texts{"10.0.0.0/8"});
}

TEST_CASE("nothing remains of what is excluded whole, of nothing, or of all") {
    CHECK(difference({"10.0.0.0/8"}, {"10.0.0.0/8"}).empty());
    CHECK(difference({"10.0.0.0/8", "10.7.0.0/16"}, {"0.0.0.0/0"}).empty());
    CHECK(difference({"10.0.0.0/8"}, {"10.0.0.0/9", "10.128.0.0/9"}).empty());
    CHECK(difference({}, {"10.0.0.0/8"}).empty());
    CHECK(difference({}, {}).empty());
    CHECK(difference({"0.0.0.0/0", "::/0"}, {"0.0.0.0/0"}) == Texts{"::/0"});
}

TEST_CASE("the families have nothing to do with each other, and IPv4 comes first") {
    CHECK(difference({"::/0", "0.0.0.0/0"}, {}) == Texts{"0.0.0.0/0", "::/0"});
    CHECK(difference({"::/0", "0.0.0.0/0"}, {"8000::/1", "0.0.0.0/1"}) == Texts{"128.0.0.0/1", "::/1"});
}

TEST_CASE("a single host out of everything costs a prefix for each bit") {
    CHECK(difference({"0.0.0.0/0"}, {"198.51.100.7"}).size() == 32);
    CHECK(difference({"::/0"}, {"2001:db8::1"}).size() == 128);
}

TEST_CASE("among neighbours, the difference is what a look at each of them says, and nobody says it shorter") {
    std::mt19937_64 engine(7);
    const auto below = [&engine](unsigned bound) { return static_cast<unsigned>(engine() % bound); };
    for (int round = 0; round < 2000; ++round) {
        const Family family = round % 2 == 0 ? Family::v4 : Family::v6;
        const unsigned width = family == Family::v4 ? 32 : 128;
        const auto draw = [&](unsigned most) {
            std::vector<Prefix> list;
            for (unsigned i = below(most); i > 0; --i) list.emplace_back(neighbour(family, below(256)), width - below(9));
            return list;
        };
        const std::vector<Prefix> listed = draw(6);
        const std::vector<Prefix> excluded = draw(8);
        const std::vector<Prefix> remaining = prefix_difference(listed, excluded);
        Chosen chosen{};
        bool right = true;
        for (unsigned last = 0; last < 256; ++last) {
            const IpAddress address = neighbour(family, last);
            chosen.at(last) = holds(listed, address) && !holds(excluded, address);
            right = right && holds(remaining, address) == chosen.at(last);
        }
        CHECK_MESSAGE(right, "round ", round);
        CHECK(remaining.size() == least(chosen, 0, 256));
        CHECK(std::ranges::is_sorted(remaining));
    }
}
