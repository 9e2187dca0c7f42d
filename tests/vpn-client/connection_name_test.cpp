#include "vpn-client/connection_name.hpp"

#include <doctest/doctest.h>

using namespace vpn;
using namespace vpn::client;
using vpn::system::ExitCode;

TEST_CASE("a name means a file in /etc/vpn") {
    CHECK(parse_connection_name("laptop").value() == ConnectionName{"laptop", "/etc/vpn/laptop.json"});
    CHECK(parse_connection_name("a=b+c.d-e_f").value().path == "/etc/vpn/a=b+c.d-e_f.json");
}

TEST_CASE("what holds a slash or ends in .json or .conf is a file, and its stem the name") {
    CHECK(parse_connection_name("laptop.json").value() == ConnectionName{"laptop", "laptop.json"});
    CHECK(parse_connection_name("./work").value() == ConnectionName{"work", "./work"});
    CHECK(parse_connection_name("/a/b.c/home.vpn.json").value() == ConnectionName{"home.vpn", "/a/b.c/home.vpn.json"});
    CHECK(parse_connection_name("wg0.conf").value() == ConnectionName{"wg0", "wg0.conf"});
}

TEST_CASE("what can be no name is a mistake of whoever typed it; what can't be made one, of the file") {
    for (const char* text : {"", "sixteen-is-toooo", "with space", "ü", ".", ".."}) {
        CAPTURE(text);
        REQUIRE_FALSE(parse_connection_name(text));
        CHECK(parse_connection_name(text).error().code == ExitCode::usage);
    }
    for (const char* text : {"/etc/vpn/sixteen-is-toooo.json", "a b.json", "/etc/vpn/"}) {
        CAPTURE(text);
        REQUIRE_FALSE(parse_connection_name(text));
        CHECK(parse_connection_name(text).error().code == ExitCode::bad_configuration);
    }
}

TEST_CASE("a name that would move the cursor is not repeated as it is") {
    CHECK(parse_connection_name("a\x1b[2J").error().message.find('\x1b') == std::string::npos);
    CHECK(parse_connection_name("/x/a\x1b[2J.json").error().message.find('\x1b') == std::string::npos);
}

TEST_CASE("a connection's things are called after it") {
    CHECK(socket_path("laptop") == "/run/vpn/client-laptop.sock");
    CHECK(timestamps_path("laptop") == "/var/lib/vpn/client-laptop.timestamps");
    CHECK(journal_path("laptop") == "/run/vpn/client-laptop.journal");
}

TEST_CASE("a file in the run directory tells whose it is, finished or not") {
    CHECK(connection_of("client-laptop.sock") == "laptop");
    CHECK(connection_of("client-laptop.lock") == "laptop");
    CHECK(connection_of("client-a.journal.journal") == "a.journal");
    CHECK(connection_of("client-laptop.journal.unfinished-Ab3xYz") == "laptop");
    CHECK(connection_of("client-laptop.dns") == "laptop");
    CHECK(connection_of("client-laptop.dns.unfinished-Ab3xYz") == "laptop");
    for (const char* file : {"server-vpns.sock", "client-.sock", "client-laptop", ".turn.lock", "client-laptop.other",
                             "client-laptop.sock.unfinished-Ab3xYz", "client-a b.sock"}) {
        CAPTURE(file);
        CHECK(connection_of(file).empty());
    }
}
