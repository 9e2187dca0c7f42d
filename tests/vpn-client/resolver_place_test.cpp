#include "vpn-client/resolver_place.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;

TEST_CASE("name servers stand in resolv.conf's words, in their order") {
    CHECK(resolver_text({*IpAddress::parse("9.9.9.9"), *IpAddress::parse("2620:fe::fe")}, {}) ==
          "nameserver 9.9.9.9\nnameserver 2620:fe::fe\n");
    CHECK(resolver_text({*IpAddress::parse("9.9.9.9")}, {"corp.example", "example"}) ==
          "nameserver 9.9.9.9\nsearch corp.example example\n");
    CHECK(resolver_text({}, {"example"}).empty());
}

TEST_CASE("hosts are asked of files and name servers alone, and all else is looked up as before") {
    CHECK(name_switch_text("passwd: files systemd\nhosts: files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns\n"
                           "services: db files") == "passwd: files systemd\nservices: db files\nhosts: files dns\n");
    CHECK(name_switch_text("") == "hosts: files dns\n");
    CHECK(name_switch_text("\n# hosts: x\n") == "\n# hosts: x\nhosts: files dns\n");
}
