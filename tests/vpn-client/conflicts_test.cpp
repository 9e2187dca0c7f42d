#include "vpn-client/conflicts.hpp"

#include "tests/vpn-client/samples.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;

namespace {

Claim claim(std::initializer_list<std::string_view> written) {
    const config::ClientConfig config = connection_taking(written);
    Claim claim{all_allowed_ips(config), {}};
    for (const Family family : {Family::v4, Family::v6})
        if (is_full_tunnel(config, family)) claim.full_families.push_back(family);
    return claim;
}

std::optional<std::string> conflict(std::initializer_list<std::string_view> ours,
                                    std::initializer_list<std::string_view> office) {
    return find_conflict(claim(ours), {{"office", claim(office)}});
}

} // namespace

TEST_CASE("connections that take different networks get along") {
    CHECK_FALSE(conflict({"10.66.0.0/24"}, {"10.67.0.0/24", "fd66::/64"}));
    CHECK_FALSE(find_conflict(claim({"10.66.0.0/24"}), {}));
}

TEST_CASE("overlapping networks don't, whichever is larger, and the other is named") {
    for (const auto& found :
         {conflict({"10.66.0.0/24"}, {"10.66.0.0/24"}), conflict({"10.66.0.0/16"}, {"10.1.0.0/16", "10.66.3.0/24"}),
          conflict({"10.66.3.7/32"}, {"10.64.0.0/10"}), conflict({"fd66::/64"}, {"fd00::/8"}),
          conflict({"10.66.0.0/24"}, {"10.66.0.255/32"})}) {
        REQUIRE(found);
        CHECK(found->find("office") != std::string::npos);
    }
}

TEST_CASE("there is one full tunnel a family") {
    CHECK(conflict({"0.0.0.0/0"}, {"0.0.0.0/0", "::/0"}));
    CHECK(conflict({"::/0"}, {"0.0.0.0/0", "::/0"}));
    CHECK(conflict({"0.0.0.0/1", "128.0.0.0/1"}, {"0.0.0.0/0"}));
    CHECK_FALSE(conflict({"0.0.0.0/0"}, {"::/0"}));
}

TEST_CASE("a full tunnel leaves to others what they take by name") {
    CHECK_FALSE(conflict({"0.0.0.0/0", "::/0"}, {"10.66.0.0/24", "fd66::/64"}));
    CHECK_FALSE(conflict({"10.66.0.0/24"}, {"0.0.0.0/0"}));
    CHECK(conflict({"0.0.0.0/0", "10.66.0.0/24"}, {"10.66.0.0/16"}));
}

TEST_CASE("a full tunnel that excludes something is a full tunnel still") {
    CHECK(conflict({"0.0.0.0/0", "!192.168.0.0/16"}, {"0.0.0.0/0"}));
    CHECK(conflict({"0.0.0.0/0", "!192.168.0.0/16"}, {"0.0.0.0/1", "128.0.0.0/1", "!10.0.0.0/8"}));
    CHECK_FALSE(conflict({"0.0.0.0/0", "!192.168.0.0/16"}, {"10.66.0.0/24"}));
    CHECK_FALSE(conflict({"10.66.0.0/24"}, {"0.0.0.0/0", "!10.66.0.0/16", "::/0"}));
}

TEST_CASE("what it leaves of another's network, in longer prefixes than the other's, would win there: that is refused") {
    CHECK(conflict({"0.0.0.0/0", "!10.66.0.128/25"}, {"10.66.0.0/24"}));
    CHECK(conflict({"10.66.0.0/24"}, {"0.0.0.0/0", "!10.66.0.128/25"}));
}
