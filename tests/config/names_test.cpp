#include "common/config/names.hpp"

#include <doctest/doctest.h>

#include <string>

namespace vpn::config {

TEST_CASE("an interface's name is 1 to 15 of a few characters") {
    for (const char* name : {"vpns", "a", "wg0", "A-b_c=d+e.f", "123456789012345"}) CHECK(is_interface_name(name));
    for (const char* name : {"", "1234567890123456", "a/b", "a b", "a:b", ".", "..", "é", "a\n", "%d", "a\x1b"})
        CHECK(!is_interface_name(name));
}

TEST_CASE("a peer's name is short, printable and no path") {
    for (const char* name : {"laptop", "Anna's phone", "łódź", "😀", "a.b@c"}) CHECK(is_peer_name(name));
    CHECK(is_peer_name(std::string(63, 'x')));
    CHECK(!is_peer_name(std::string(64, 'x')));
    for (const char* name : {"", " a", "a ", "a/b", ".", "..", "a\nb", "a\tb", "\x1b[31m", "a\x7f", "\xc2\x9b", "\xe2\x80\xae",
                             "a\xe2\x80\x8b", "\xff"})
        CHECK(!is_peer_name(name));
    CHECK(!is_peer_name(std::string("a\0b", 3)));
}

} // namespace vpn::config
