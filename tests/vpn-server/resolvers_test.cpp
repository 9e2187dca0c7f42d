#include "vpn-server/resolvers.hpp"

#include "tests/vpn-server/samples.hpp"

#include <doctest/doctest.h>

namespace vpn::server {

using Found = std::vector<IpAddress>;

TEST_CASE("resolvers are found as resolv.conf(5) writes them") {
    const Found expected{samples::address("203.0.113.53"), samples::address("2001:db8::53")};
    CHECK(parse_resolvers("# a comment\nsearch example.org\nnameserver 203.0.113.53\noptions edns0\nnameserver 2001:db8::53\n") ==
          expected);
    CHECK(parse_resolvers("nameserver\t203.0.113.53  # here\r\n  nameserver 2001:db8::53") == expected);
}

TEST_CASE("what only this machine reaches is no resolver for a peer") {
    CHECK(parse_resolvers("nameserver 127.0.0.53\nnameserver ::1\nnameserver 169.254.169.253\nnameserver fe80::1%eth0\n"
                          "nameserver fe80::1\nnameserver 0.0.0.0\nnameserver ::\nnameserver ::ffff:127.0.0.1\n")
              .empty());
}

TEST_CASE("what is no address is passed over, and nothing is listed twice") {
    CHECK(parse_resolvers("").empty());
    CHECK(parse_resolvers("nameserver\nnameserver dns.example.org\nnameservers 9.9.9.9\n").empty());
    CHECK(parse_resolvers("nameserver 9.9.9.9\nnameserver 9.9.9.9\n") == Found{samples::address("9.9.9.9")});
}

TEST_CASE("three are enough, as for the resolver itself") {
    CHECK(parse_resolvers("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n").size() ==
          3);
}

} // namespace vpn::server
